"""The one thing that goes upwards without the event log: typing is not worth a row."""

from django.dispatch import Signal

agent_typing = Signal()  # ticket: Ticket, user: User, on: bool
