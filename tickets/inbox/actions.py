"""What agents do in the inbox. Each view reads its input, calls one service and shows what came of it."""

import json
from datetime import datetime, timedelta
from uuid import uuid4

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from omnisupport.lib.errors import Conflict, InvalidInput, NotFound
from tenants.accounts.access import agent_required, signed_in
from tenants.accounts.models import User
from tenants.accounts.veil import unveiled
from tickets import queries
from tickets.inbox.fields import Refusal
from tickets.inbox.forms import (
    ContactForm,
    MessageForm,
    NumberChoice,
    TextChoice,
    UUIDChoice,
    checked,
    read_actions,
    read_ids,
    read_uuids,
)
from tickets.inbox.macros import values
from tickets.inbox.timeline import make_items
from tickets.inbox.views import show_facts as _show_facts
from tickets.models import Contact, FieldTarget, Message, MessageKind, Ticket
from tickets.services import tickets as changes
from tickets.services.attachments import store_upload
from tickets.services.companies import save_company
from tickets.services.contacts import note_revealed, reveal_detail, update_contact
from tickets.services.delivery import cancel_message, retry_message
from tickets.services.drafts import drop_sent_draft
from tickets.services.following import set_following
from tickets.services.macros import post_with_macros
from tickets.services.merging import merge_contacts, undo_merge
from tickets.services.post import ADDED_SINCE
from tickets.services.schedule import drop_reply, schedule_reply, send_reply
from tickets.services.transcripts import send_transcript


@require_POST
@agent_required
def post(request: HttpRequest, number: int) -> HttpResponse:
    """A reply or a note. The same client_id twice is one message, so a script may repeat until it hears an answer."""
    user = signed_in(request)
    ticket = queries.get_conversation(number, user)
    data = checked(MessageForm(request.POST))
    attachment_ids = read_uuids(request.POST.getlist("attachments"))
    kind = MessageKind(data["kind"])
    actions = read_actions(data["actions"])
    if data["send_at"] and kind == MessageKind.PUBLIC:
        if actions:
            raise InvalidInput(_("What a macro does cannot wait: take it out, or send at once."), field="actions")
        schedule_reply(
            ticket_id=ticket.id,
            client_id=data["client_id"],
            text=data["text"],
            send_at=data["send_at"],
            user=user,
            attachment_ids=attachment_ids,
            cancel_on_reply=data["cancel_on_reply"],
        )
        drop_sent_draft(ticket.id, user, kind=kind, text=data["text"])
        return _show_facts(request, number)
    try:
        message = post_with_macros(
            ticket_id=ticket.id,
            client_id=data["client_id"],
            text=data["text"],
            user=user,
            macro_ids=read_ids(data["macros"]),
            actions=actions,
            values=values(request, ticket) if data["macros"] else {},
            kind=kind,
            attachment_ids=attachment_ids,
            reply_to_id=data["reply_to"],
            status=data["status"],
            address_id=data["address"],
            due_at=_moment_to_undo(user) if kind == MessageKind.PUBLIC else None,
            seen=data["seen"],
            mentions=[key for key in data["mentions"].split(",") if key],
        )
    except Conflict as conflict:
        if conflict.code != ADDED_SINCE or not request.headers.get("HX-Request"):
            raise
        return _show_added(request, ticket, data["seen"], user)
    drop_sent_draft(ticket.id, user, kind=kind, text=data["text"])
    if not request.headers.get("HX-Request"):
        return redirect("inbox:conversation", number=number)
    return show_message(request, ticket, message)


def _show_added(request: HttpRequest, ticket: Ticket, seen: int, user: User) -> HttpResponse:
    """What the writer has not read yet: for the thread, and beside the reply that waits."""
    added = make_items(queries.added_since(ticket, seen, user), [])
    return render(request, "inbox/_added.html", {"ticket": ticket, "items": added}, status=409)


def _moment_to_undo(user: User) -> datetime | None:
    return timezone.now() + timedelta(seconds=user.undo_seconds) if user.undo_seconds else None


@require_POST
@agent_required
def take_back(request: HttpRequest, message_id: int) -> HttpResponse:
    """Before it has left. The words go back into the composer."""
    message = queries.get_message(message_id, signed_in(request))
    if message.user_id != signed_in(request).id or not cancel_message(message.id):
        raise Conflict(_("Too late: this message is on its way."))
    return _with_words(show_message(request, message.ticket, message), message.text)


@require_POST
@agent_required
def drop_scheduled(request: HttpRequest, reply_id: int) -> HttpResponse:
    number = queries.get_scheduled(reply_id, signed_in(request)).ticket.number
    dropped = drop_reply(reply_id, signed_in(request))
    return _with_words(_show_facts(request, number), dropped.text if dropped else "")


@require_POST
@agent_required
def send_scheduled(request: HttpRequest, reply_id: int) -> HttpResponse:
    number = queries.get_scheduled(reply_id, signed_in(request)).ticket.number
    send_reply(reply_id)
    return _show_facts(request, number)


def _with_words(response: HttpResponse, text: str) -> HttpResponse:
    # ASCII only: headers carry nothing else.
    response["HX-Trigger"] = json.dumps({"taken-back": {"text": text}})
    return response


@require_POST
@agent_required
def retry(request: HttpRequest, message_id: int) -> HttpResponse:
    message = queries.get_message(message_id, signed_in(request))
    if not retry_message(message.id):
        raise Conflict(_("This message is on its way already."))
    return show_message(request, message.ticket, message)


def show_message(request: HttpRequest, ticket: Ticket, message: Message) -> HttpResponse:
    messages, _events = queries.pick_thread_items(ticket, [message.id], [])
    context = {"ticket": ticket, "items": make_items(messages, [])}
    return render(request, "inbox/_fresh_items.html", context)


@require_POST
@agent_required
def assign(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    assignee_id = checked(UUIDChoice(request.POST))["value"]
    changes.assign_ticket(ticket.id, assignee_id=assignee_id, actor=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def team(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    changes.set_team(ticket.id, team_id=checked(NumberChoice(request.POST))["value"], actor=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def priority(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    wanted = checked(NumberChoice(request.POST))["value"]
    changes.set_priority(ticket.id, priority=wanted or 0, actor=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def status(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    wanted = checked(TextChoice(request.POST))["value"]
    changes.set_status(ticket.id, status=wanted, actor=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def follow(request: HttpRequest, number: int) -> HttpResponse:
    """`value` is empty to stop following."""
    user = signed_in(request)
    ticket = queries.get_conversation(number, user)
    follows = bool(checked(TextChoice(request.POST))["value"])
    set_following(ticket.id, user=user, follows=follows)
    return _show_facts(request, number)


@require_POST
@agent_required
def tags(request: HttpRequest, number: int) -> HttpResponse:
    """Names separated by commas."""
    ticket = queries.get_conversation(number, signed_in(request))
    names = checked(TextChoice(request.POST))["value"].split(",")
    changes.set_tags(ticket.id, names=names, actor=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def field(request: HttpRequest, number: int, target: str, key: str) -> HttpResponse:
    """A custom field of the conversation, its contact or their company. What is refused stays in it, with the reason beside."""
    ticket, actor = queries.get_conversation(number, signed_in(request)), signed_in(request)
    typed = request.POST.get("value", "").replace("\x00", "")
    target = queries.get_field(target, key).target
    try:
        if target == FieldTarget.TICKET:
            changes.set_ticket_attributes(ticket.id, changes={key: typed}, actor=actor)
        elif target == FieldTarget.COMPANY:
            if ticket.contact.company_id is None:
                raise NotFound(_("There is no such company."))
            save_company(ticket.contact.company_id, changes={"attributes": {key: typed}}, actor=actor)
        else:
            update_contact(ticket.contact_id, changes={"attributes": {key: typed}}, actor=actor)
    except InvalidInput as error:
        return _show_facts(request, number, refusal=Refusal(target, key, typed, str(error)))
    return _show_facts(request, number)


@require_POST
@agent_required
def contact(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    # The form writes into its instance, also where it is refused.
    known = Contact(**{name: getattr(ticket.contact, name) for name in ("name", "email", "phone")})
    form = ContactForm(request.POST, instance=known, prefix="contact", viewer=signed_in(request))
    if not form.is_valid():
        return _show_facts(request, number, contact_form=form)
    update_contact(ticket.contact_id, changes=form.cleaned_data, actor=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def transcript_by_mail(request: HttpRequest, number: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    client_id = checked(UUIDChoice({"value": request.POST.get("client_id", "")}))["value"] or uuid4()
    message = send_transcript(ticket, client_id=client_id, user=signed_in(request))
    if not request.headers.get("HX-Request"):
        return redirect("inbox:conversation", number=number)
    return render(request, "inbox/_transcript_sent.html", {"message": message})


@require_POST
@agent_required
def reveal(request: HttpRequest, number: int) -> HttpResponse:
    """One masked value of the contact: `email`, `phone` or the id of an address."""
    ticket = queries.get_conversation(number, signed_in(request))
    return show_revealed(request, ticket.contact, ticket.id)


def show_revealed(request: HttpRequest, contact: Contact, ticket_id: int | None) -> HttpResponse:
    what = checked(TextChoice(request.POST))["value"]
    value = reveal_detail(contact, what, actor=signed_in(request), ticket_id=ticket_id)
    return unveiled(render(request, "inbox/_revealed.html", {"what": what, "value": value}))


@require_POST
@agent_required
def reveal_words(request: HttpRequest, message_id: int) -> HttpResponse:
    """A message with the phones and addresses that are masked in it."""
    message = queries.get_message(message_id, signed_in(request))
    note_revealed(
        message.ticket.contact_id, f"message {message.id}", actor=signed_in(request), ticket_id=message.ticket_id
    )
    return unveiled(show_message(request, message.ticket, message))


@require_POST
@agent_required
def merge(request: HttpRequest, number: int) -> HttpResponse:
    """The other contact (`value`) is the same person as this conversation's."""
    ticket = queries.get_conversation(number, signed_in(request))
    other = checked(UUIDChoice(request.POST))["value"]
    if other is None:
        raise InvalidInput(_("Choose a contact."), field="value")
    queries.get_contact(other, signed_in(request))
    merge_contacts(kept_id=ticket.contact_id, gone_id=other, user=signed_in(request))
    return _show_facts(request, number)


@require_POST
@agent_required
def part(request: HttpRequest, number: int, merge_id: int) -> HttpResponse:
    ticket = queries.get_conversation(number, signed_in(request))
    undo_merge(merge_id, signed_in(request), kept_id=ticket.contact_id)
    return _show_facts(request, number)


@require_POST
@agent_required
def upload(request: HttpRequest) -> JsonResponse:
    """One file; its id goes into the message. Raises TooLarge, Unsupported, InvalidInput."""
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput(_("No file came with the request. Attach it again."), field="file")
    attachment = store_upload(file, user=signed_in(request))
    return JsonResponse({"id": str(attachment.id), "name": attachment.name, "size": attachment.size})
