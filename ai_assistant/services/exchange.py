"""One question to the models of a workspace, and the judgement on what comes back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ai_assistant.answer_text import MARK, ModelAnswer, read_answer
from ai_assistant.checks import Checked, Problem, check_answer, repeats_instructions
from ai_assistant.drafts import Draft, OnText
from ai_assistant.language import is_answered_in
from ai_assistant.models import Assistant
from ai_assistant.prompts import Turn, build_choice, build_request
from ai_assistant.providers.base import (
    CallContext,
    ChatRequest,
    ChatResult,
    ContextTooLong,
    Delta,
    Done,
    ProtocolError,
    Replace,
    SourcePassage,
)
from ai_assistant.services.assistants import Link
from ai_assistant.services.calls import Calls
from ai_assistant.services.customers import Customer
from ai_assistant.services.tool_use import Choice, OpenTool, read_choice
from omnisupport.lib.masking import Mask


@dataclass(frozen=True)
class Task:
    """What is to be answered. `before`: the question that this one points back to; `names`: what the customer is called."""

    company: str
    question: str
    language: str
    before: str = ""
    history: Sequence[Turn] = ()
    session_key: str = ""
    names: Sequence[str] = ()
    # Seconds that are gone already.
    waited: float = 0.0
    # For tools. None: nobody is known; `may_confirm`: the customer can be asked before something is changed.
    customer: Customer | None = None
    may_confirm: bool = False

    @property
    def said(self) -> list[str]:
        """What the customer wrote before this, oldest first."""
        return [turn.text for turn in self.history if turn.who == "customer"]


class Exchange(Calls):
    """A question as it leaves us, and what came of it."""

    def __init__(
        self,
        assistant: Assistant,
        links: Sequence[Link],
        task: Task,
        context: CallContext,
    ) -> None:
        super().__init__(assistant, links, context)
        self.mask = Mask(task.names)
        self.sources: list[SourcePassage] = []
        # What was sent to have a tool chosen.
        self.choice: ChatRequest | None = None
        self._task, self._query, self._told = task, "", ""
        for text in (task.question, *(turn.text for turn in task.history)):
            # Known from any line, hidden in all of them.
            self.mask.hide(text)

    def choose_tool(self, tools: Sequence[OpenTool]) -> Choice:
        """What the model wants, before it sees any document. Raises LLMError."""
        request = build_choice(
            company=self._task.company,
            tools=[(one.tool.name, one.tool.description, _schema_of(one)) for one in tools],
            question=self.mask.hide(self._task.question),
            said=[self.mask.hide(text) for text in self._task.said],
        )
        self.choice, self._prompt = request, "\n".join(message.text for message in request.messages)
        result = self._until_answered(lambda: None if self.provider.verbatim else self._call(request, None))
        return read_choice(result.text) if result else Choice()

    def take_sources(self, query: str, sources: Sequence[SourcePassage]) -> None:
        """What the answer is made of; `query` found them."""
        self._query, self.sources = query, list(sources)

    def judge(self, result: ChatResult) -> Checked:
        if result.finish == "length":
            return Checked(problem=Problem("cut"))
        answer = read_answer(result.text)
        if answer is None:
            return Checked(problem=Problem("unreadable"))
        return self.check(answer) if answer.answerable else Checked(problem=Problem("refused"))

    def check(self, answer: ModelAnswer) -> Checked:
        checked = check_answer(answer, self.sources, self.mask.tokens)
        if checked.problem or self.provider.verbatim:
            return checked
        cited = "\n".join(source.text for source in self.sources if source.number in checked.used)
        if repeats_instructions(checked.text, self._told, cited):
            return Checked(checked.text, problem=Problem("instructions"))
        if not is_answered_in(MARK.sub("", checked.text), self._task.language):
            return Checked(checked.text, problem=Problem("language"))
        return checked

    def _ask_one(self, complaint: str, on_text: OnText | None) -> tuple[ChatRequest, ChatResult]:
        """Where the sources are too long for the model, the weaker half stays out."""
        request = self._request(complaint)
        try:
            return request, self._call(request, on_text)
        except ContextTooLong:
            if len(self.sources) == 1:
                raise
            self.sources = self.sources[: len(self.sources) // 2]
        request = self._request(complaint)
        return request, self._call(request, on_text)

    def _request(self, complaint: str) -> ChatRequest:
        hide: Callable[[str], str] = (lambda text: text) if self.provider.verbatim else self.mask.hide
        request = build_request(
            self._assistant,
            company=self._task.company,
            language=self._task.language,
            question=hide(self._task.question),
            query=self._query,
            sources=self.sources,
            history=[Turn(turn.who, hide(turn.text)) for turn in self._task.history],
            complaint=complaint,
        )
        self._prompt = "\n".join(message.text for message in request.messages)
        self._told = "\n".join(message.text for message in request.messages if message.role == "system")
        return request

    def _call(self, request: ChatRequest, on_text: OnText | None) -> ChatResult:
        context = self._context_of_call()
        if on_text is None:
            return self.provider.complete(request, context)
        draft = Draft(self.check, self.sources, self.mask.restore, self._showing(on_text))
        for event in self.provider.stream(request, context):
            match event:
                case Delta(text=text):
                    self._received += text
                    draft.feed(text)
                case Replace(text=text):
                    self._received = text
                    draft.replace(text)
                case Done(result=result):
                    return result
        raise ProtocolError(provider=self.provider.name)

    def _showing(self, on_text: OnText) -> OnText:
        def show(text: str, replace: bool) -> None:
            self._shown = True
            on_text(text, replace)

        return show


def _schema_of(one: OpenTool) -> dict[str, Any]:
    """As the model sees it: what the server fills in is not there."""
    told = one.parameters.told_to_model()
    properties = {name: prop.model_dump(exclude_defaults=True) | {"type": prop.type} for name, prop in told.items()}
    return {"properties": properties, "required": [name for name in one.parameters.required if name in told]}
