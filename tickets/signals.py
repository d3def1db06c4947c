"""What goes upwards without the event log: who writes is not worth a row."""

from django.dispatch import Signal

agent_typing = Signal()  # ticket: Ticket, user: User, on: bool
# ticket: Ticket, answer_id: UUID, text: str (all that is written so far), question_id: int (of the message it answers)
answer_draft = Signal()
