"""Changing people."""

from tenants.accounts.models import User


def update_person(user: User, *, name: str, language: str) -> None:
    """What a person may change of themselves."""
    user.name, user.language = name, language
    user.save(update_fields=["name", "language"])
