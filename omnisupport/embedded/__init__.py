"""Real PostgreSQL and Redis beside the project, without root rights, containers or system packages.

`python -m omnisupport.embedded` is `make run`; `start_engines` gives tests and benchmarks the same servers.
"""

from omnisupport.embedded.engines import Engines, start_engines
from omnisupport.embedded.processes import DataDirInUse, StartError

__all__ = ["DataDirInUse", "Engines", "StartError", "start_engines"]
