"""What a model does for agents. The row is the receipt and the state; a worker asks the model, whoever waits looks at the row.

Nothing of it reaches a customer by itself, and nothing changes a conversation unless an agent says so.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from ai_assistant.aid_prompts import VERSION, Material, build_request
from ai_assistant.aid_results import AidResult, read_result
from ai_assistant.drafts import OnText
from ai_assistant.models import Aid, Assistant
from ai_assistant.providers.base import Allowance, CallContext, ChatRequest, ChatResult
from ai_assistant.services.assistants import Link, ensure_assistant, providers_of
from ai_assistant.services.budget import check_budget
from ai_assistant.services.calls import Calls
from ai_assistant.services.materials import MOST_CHARACTERS, check_words, customers_words, material_of
from ai_assistant.services.turns import this_workspace
from omnisupport.lib.errors import AppError, Conflict, InvalidInput, Unavailable
from omnisupport.lib.masking import Mask
from tenants.accounts.models import User
from tenants.names import current_schema
from tickets.models import Author, Message, MessageKind, Ticket
from tickets.services.post import post_message
from tickets.services.tickets import lock_ticket, set_priority, set_tags

log = structlog.get_logger(__name__)

# For all of it, waiting for a thread included.
SECONDS = 24.0
# One that has not begun by then would come too late.
GIVE_UP_AFTER = 12.0
# The result and one more try, or one try each of two models.
CALLS = 2
# Longer than it may take: its worker is gone.
LOST_AFTER = timedelta(seconds=40)
OF_THE_COMPOSER = frozenset({Aid.Kind.REWRITE, Aid.Kind.REPLY_TRANSLATION})
RECEIPT = ("provider", "model", "prompt_version", "prompt", "checks", "asked", "cost")


# ---- Beginning and ending ----------------------------------------------------------------------------------------------


def begin_aid(
    ticket: Ticket, kind: Aid.Kind, *, user: User, text: str = "", style: str = "", message: Message | None = None
) -> Aid:
    """Raises Conflict where no model is set up, BudgetExceeded, InvalidInput for words that are none or too many."""
    assistant = ensure_assistant()
    models_of(assistant)
    check_budget(assistant)
    if kind == Aid.Kind.REWRITE and style not in Aid.Style.values:
        raise InvalidInput(_("Choose how to rewrite it."), field="style")
    too_long = _("That is longer than %(limit)s characters: too long for the model.") % {"limit": MOST_CHARACTERS}
    if kind in OF_THE_COMPOSER:
        check_words(text, empty=_("Write a reply first."), too_long=too_long)
    elif kind == Aid.Kind.TRANSLATION:
        check_words(message.text if message else "", empty=_("There are no words in it."), too_long=too_long)
    elif not customers_words(ticket):
        raise InvalidInput(_("There are no words in this conversation yet."))
    in_language = kind in {Aid.Kind.TRANSLATION, Aid.Kind.SUMMARY}
    return Aid.objects.create(
        ticket_id=ticket.id, kind=kind, style=style if kind == Aid.Kind.REWRITE else "", user=user,
        language=user.language if in_language else "", message_id=message.id if message else None,
    )  # fmt: skip


def models_of(assistant: Assistant) -> list[Link]:
    """Those that can write. Raises Conflict where there is none, InvalidInput (keys missing)."""
    links = [link for link in providers_of(assistant) if not link.provider.verbatim]
    if not links:
        raise Conflict(
            _(
                "There is no language model for that: the built-in one only quotes documents. "
                "An admin can choose one in the assistant's settings."
            ),
            code="no_model",
        )
    return links


def known_translation(message: Message, language: str) -> Aid | None:
    """One that was made of these very words."""
    rows = Aid.objects.filter(
        ticket_id=message.ticket_id, message_id=message.id, kind=Aid.Kind.TRANSLATION, language=language,
        state=Aid.State.DONE, created_at__gt=message.edited_at or message.created_at,
    )  # fmt: skip
    return rows.order_by("-created_at").first()


def cancel_aid(aid: Aid) -> None:
    """Whatever the model still says is not shown; what it cost is in the receipt all the same."""
    _end(aid, Aid.State.CANCELLED)


def give_up(aid: Aid) -> None:
    _end(aid, Aid.State.REFUSED, problem=_no_answer())


def _no_answer() -> str:
    return _("The assistant did not answer. Try again in a minute.")


def settle_lost(aid: Aid) -> None:
    """Nobody waits for a worker that died."""
    if aid.state == Aid.State.WORKING and timezone.now() - aid.created_at > LOST_AFTER:
        give_up(aid)


def _end(aid: Aid, state: Aid.State, **fields: Any) -> None:
    """The first ending counts."""
    working = Aid.objects.filter(id=aid.id, state=Aid.State.WORKING)
    working.update(state=state, finished_at=timezone.now(), **fields)
    aid.refresh_from_db()


# ---- Asking ------------------------------------------------------------------------------------------------------------


def run_aid(aid_id: UUID, text: str = "", *, waited: float = 0.0) -> Aid | None:
    """In a worker. `text`: the words of the composer. None where it is not in work any more."""
    aid = Aid.objects.select_related("user").filter(id=aid_id, state=Aid.State.WORKING).first()
    if aid is None:
        return None
    workspace = this_workspace()
    # What is written down on the way is for whoever asked.
    with translation.override(aid.user.language if aid.user else workspace.language):
        result, problem = AidResult(), ""
        try:
            if waited > GIVE_UP_AFTER:
                raise Unavailable(_no_answer())
            ticket = Ticket.objects.select_related("contact").get(id=aid.ticket_id)
            result = ask_for(aid, ticket, text, waited=waited)
            problem = _refusal(result)
        except (AppError, Ticket.DoesNotExist) as error:
            problem = str(error) or _("It is gone.")
        except Exception:
            log.exception("aid_failed", aid=str(aid.id))
            problem = _no_answer()
        aid.save(update_fields=RECEIPT)
        if problem:
            _end(aid, Aid.State.REFUSED, problem=problem[:500])
        else:
            _end(aid, Aid.State.DONE, text=result.text, suggestion=_suggestion(aid, result))
    return aid


def _suggestion(aid: Aid, result: AidResult) -> dict[str, Any]:
    if aid.kind != Aid.Kind.TRIAGE:
        return {}
    # What it has already is no suggestion.
    has_it = Ticket.objects.filter(id=aid.ticket_id, priority=result.priority or 0).exists()
    return {"tags": list(result.tags), "priority": None if has_it else result.priority}


def _refusal(result: AidResult) -> str:
    if result.problem is None:
        return ""
    return _("The model's result was not taken. %(why)s") % {"why": result.problem}


def ask_for(aid: Aid, ticket: Ticket, text: str = "", *, waited: float = 0.0) -> AidResult:
    """What came of it, restored; the receipt is in `aid`, unsaved. Raises LLMError, Conflict (no model), NotFound."""
    assistant = ensure_assistant()
    links, mask = models_of(assistant), Mask([ticket.contact.name])
    material = material_of(aid, ticket, text, mask.hide)
    check_budget(assistant)
    context = CallContext.within(
        SECONDS - waited, purpose=aid.kind, tenant=current_schema(), allowance=Allowance(CALLS)
    )
    call = _AidCall(assistant, links, context, aid, material)
    complaint, aid.prompt_version = "", VERSION
    try:
        while True:
            request, given = call.ask(complaint)
            aid.prompt = "\n\n".join(f"[{message.role}]\n{message.text}" for message in request.messages)
            aid.model = given.model
            result = read_result(aid, call.material, given, request.messages[0].text)
            problem = result.problem
            told = {"code": problem.code, "message": str(problem)} if problem else {"code": "", "message": ""}
            aid.checks.append({**told, "text": result.text[:2000] if problem else ""})
            if problem is None or not call.may_ask_again():
                return _restored(result, mask)
            complaint = problem.for_model()
    finally:
        aid.provider, aid.asked, aid.cost = call.provider.name, call.asked, call.cost


def _restored(result: AidResult, mask: Mask) -> AidResult:
    return AidResult(
        text=mask.restore(result.text), question=result.question, tags=result.tags, priority=result.priority,
        is_empty=result.is_empty, problem=result.problem,
    )  # fmt: skip


class _AidCall(Calls):
    def __init__(
        self, assistant: Assistant, links: list[Link], context: CallContext, aid: Aid, material: Material
    ) -> None:
        super().__init__(assistant, links, context)
        self.material, self._aid = material, aid
        self._company = this_workspace().name

    def _ask_one(self, complaint: str, on_text: OnText | None) -> tuple[ChatRequest, ChatResult]:
        request = build_request(self._aid, self.material, company=self._company, complaint=complaint)
        return request, self.provider.complete(request, self._context_of_call())


# ---- What agents make of it ---------------------------------------------------------------------------------------------


@transaction.atomic
def accept_suggestion(aid: Aid, *, tag: str = "", priority: int | None = None, user: User) -> Aid:
    """One of the suggested tags, or the priority. Raises Conflict for what was not suggested, or is accepted already."""
    lock_ticket(aid.ticket_id)
    aid = Aid.objects.select_for_update().get(id=aid.id)
    accepted = list(aid.suggestion.get("accepted", []))
    if tag and tag in aid.suggestion.get("tags", []) and tag not in accepted:
        aid.suggestion["accepted"] = [*accepted, tag]
        present = list(Ticket.objects.get(id=aid.ticket_id).tags.values_list("name", flat=True))
        set_tags(aid.ticket_id, names=[*present, tag], actor=user)
    elif priority is not None and priority == aid.suggestion.get("priority"):
        aid.suggestion["priority"] = None
        set_priority(aid.ticket_id, priority=priority, actor=user)
    else:
        raise Conflict(_("That is not suggested any more."))
    aid.save(update_fields=["suggestion"])
    return aid


def keep_summary(aid: Aid, user: User, author: Author = Author.AGENT) -> Message:
    """As a note, once. Raises Conflict for what is no summary."""
    if aid.kind != Aid.Kind.SUMMARY or aid.state != Aid.State.DONE:
        raise Conflict(_("This is no summary."))
    return post_message(
        ticket_id=aid.ticket_id, client_id=aid.id, text=_("Summary: %(text)s") % {"text": aid.text}, user=user,
        author=author, kind=MessageKind.NOTE,
    )  # fmt: skip
