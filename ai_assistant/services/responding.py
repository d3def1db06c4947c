"""What is said to a question: first what the workspace has fixed itself, then documents and the model."""

from ai_assistant.drafts import OnText
from ai_assistant.models import Assistant
from ai_assistant.services.composing import Composed, Task, compose_answer
from ai_assistant.services.custom_answers import find_custom_answer


def respond(assistant: Assistant, task: Task, on_text: OnText | None = None) -> Composed:
    custom = find_custom_answer(task.question)
    if custom is not None:
        return Composed(text=custom.text, custom_answer_id=custom.id)
    return compose_answer(assistant, task, on_text)
