"""Changing people."""

from tenants.accounts.models import User


def update_person(user: User, *, name: str, language: str, undo_seconds: int) -> None:
    """What a person may change of themselves."""
    user.name, user.language, user.undo_seconds = name, language, undo_seconds
    user.save(update_fields=["name", "language", "undo_seconds"])
