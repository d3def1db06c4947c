import sys

from omnisupport.embedded.supervisor import main

sys.exit(main())
