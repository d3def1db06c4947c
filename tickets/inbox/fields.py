"""Custom fields as the panel shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tickets.models import CustomField, FieldTarget, Ticket


@dataclass(frozen=True)
class FieldRow:
    """A field and what it holds; after a refusal what was typed, and why it was refused."""

    field: CustomField
    value: Any
    error: str = ""

    @property
    def dom_id(self) -> str:
        return f"field-{self.field.target}-{self.field.key}"


@dataclass(frozen=True)
class Refusal:
    target: str
    key: str
    value: str
    error: str


def field_rows(
    fields: Sequence[CustomField], ticket: Ticket, refusal: Refusal | None = None
) -> dict[str, list[FieldRow]]:
    """By target."""
    company = ticket.contact.company
    holders = {FieldTarget.TICKET: ticket.attributes, FieldTarget.CONTACT: ticket.contact.attributes}
    if company is not None:
        holders[FieldTarget.COMPANY] = company.attributes
    rows: dict[str, list[FieldRow]] = {}
    for field in fields:
        values = holders.get(FieldTarget(field.target))
        if values is None:
            continue
        refused = refusal is not None and (refusal.target, refusal.key) == (field.target, field.key)
        row = (
            FieldRow(field, refusal.value, refusal.error)
            if refusal and refused
            else FieldRow(field, values.get(field.key))
        )
        rows.setdefault(field.target, []).append(row)
    return rows
