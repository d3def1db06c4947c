"""Passwords asked for at a terminal."""

import sys
from getpass import getpass

from django.core.management.base import CommandError


def ask_password(prompt: str) -> str:
    """Without an echo. Raises CommandError where nobody can type one."""
    if not sys.stdin.isatty():
        raise CommandError("There is no terminal to ask for the password at. Give it by --password.")
    return getpass(prompt)
