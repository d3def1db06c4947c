#!/usr/bin/env python
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnisupport.settings")
    from omnisupport.embedded import StartError
    from omnisupport.embedded.environment import load_environment

    try:
        load_environment()
    except StartError as error:
        sys.exit(str(error))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
