"""The inbox as people read it: whole pages, and the fragments that keep an open screen fresh.

A page and its fragments come from the same templates. `HX-Target` says which part of a page a script wants.
"""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from omnisupport.lib.errors import NotFound
from tenants.accounts.access import agent_required, current_path, signed_in
from tenants.accounts.models import User
from tenants.events.models import Event
from tenants.sockets import newest_seq
from tickets import queries
from tickets.contact_links import links_for
from tickets.contact_queries import pages_of
from tickets.files import transcript_file
from tickets.inbox import sidebar
from tickets.inbox.fields import Refusal, field_rows
from tickets.inbox.forms import ContactForm, read_ids, read_selection
from tickets.inbox.keys import key_sheet
from tickets.inbox.timeline import make_items
from tickets.models import FieldTarget, Message, Priority, Ticket
from tickets.queries import Selection
from tickets.rights import contacts_visible_to
from tickets.services.bulk import can_undo, recent_bulk
from tickets.services.merging import same_person_suggestions, undoable_merges
from tickets.services.ticket_merges import undoable_ticket_merges
from tickets.templatetags.conversation import preview

VIEW_TITLES = {
    "mine": (_("Mine"), "user"),
    "mentions": (_("Mentions"), "at"),
    "following": (_("Following"), "eye"),
    "unassigned": (_("Unassigned"), "inbox"),
    "open": (_("All open"), "open"),
    "assistant": (_("With the assistant"), "assistant"),
    "waiting": (_("Waiting"), "hourglass"),
    "snoozed": (_("Snoozed"), "snooze"),
    "solved": (_("Solved"), "circle-check"),
    "closed": (_("Closed"), "archive"),
    "spam": (_("Spam"), "spam"),
}


@require_GET
@agent_required
def inbox(request: HttpRequest, number: int | None = None) -> HttpResponse:
    """The list, with a conversation beside it when the address names one."""
    viewer = signed_in(request)
    selection = read_selection(request.GET, viewer)
    target = wanted_part(request)
    if target in {"rows-more", "rows-before"}:
        page, begun = _further_page(request, target), queries.drafted_ids(viewer.id)
        return _answer(request, "inbox/_rows.html", {"page": page, "begun": begun, **_address(selection)})
    if target == "conversation" and number is not None:
        return _answer(request, "inbox/_conversation.html", conversation_context(number, viewer, selection))
    context = _list_context(request, selection)
    if target == "list":
        return _list_answer(request, context)
    if number is not None:
        context |= conversation_context(number, viewer, selection) | {"open_number": number}
        context["page"] = _page_with(context["ticket"], context["page"], selection)
    bulk = recent_bulk(viewer)
    context |= {"bulk": bulk, "can_undo": bulk is not None and can_undo(bulk)}
    context |= {"max_upload_bytes": settings.MAX_UPLOAD_BYTES, "key_sheet": key_sheet(viewer.keys)}
    return _answer(request, "inbox/page.html", context)


def _further_page(request: HttpRequest, target: str) -> queries.Page:
    """What follows the rows that are there, or goes before them; of its two ends the one that goes on."""
    selection = read_selection(request.GET, signed_in(request))
    if target == "rows-more":
        return replace(queries.list_tickets(selection, request.GET.get("after", "")), previous="")
    return replace(queries.list_tickets(selection, before=request.GET.get("before", "")), cursor="")


def _page_with(ticket: Ticket, first: queries.Page, selection: Selection) -> queries.Page:
    """The list of a link to a conversation shows where it stands, however deep."""
    if selection.text or not first.cursor or ticket.id in {row.ticket.id for row in first.rows}:
        return first
    return queries.list_around(selection, ticket) or first


def _list_answer(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """`keep`: a search beside an open conversation, which stays open and in the address."""
    keep = bool(request.GET.get("keep"))
    response = _answer(request, "inbox/_list_answer.html", context | {"keep": keep})
    if keep:
        path = current_path(request)
        path = path if path.startswith("/inbox/") else reverse("inbox:list")
        response["HX-Replace-Url"] = f"{path}?{context['address']}"
    return response


@require_GET
@agent_required
def fresh_rows(request: HttpRequest) -> HttpResponse:
    """Rows that changed, as far as the list still shows them, and with `counts=1` the views and how much is in each."""
    viewer = signed_in(request)
    selection = read_selection(request.GET, viewer)
    context = {
        "page": queries.Page(queries.pick_rows(selection, read_ids(request.GET.get("ids", "")))),
        "begun": queries.drafted_ids(viewer.id),
        **_address(selection),
    }
    if request.GET.get("counts"):
        context |= _views(viewer, selection, newest_seq())
    return _answer(request, "inbox/_fresh_rows.html", context)


@require_GET
@agent_required
def gone(request: HttpRequest) -> HttpResponse:
    """Instead of an open conversation that the reader no longer sees."""
    return _answer(request, "inbox/_gone.html", {})


@require_GET
@agent_required
def earlier(request: HttpRequest, number: int) -> HttpResponse:
    """The page of a thread before the message `before`."""
    ticket = queries.get_conversation(number, signed_in(request))
    before = read_ids(request.GET.get("before", ""))
    return _answer(request, "inbox/_thread.html", _thread(ticket, before[0] if before else None))


@require_GET
@agent_required
def later(request: HttpRequest, number: int) -> HttpResponse:
    """The page of a thread after the message `after`."""
    ticket = queries.get_conversation(number, signed_in(request))
    after = read_ids(request.GET.get("after", ""))
    messages, events, has_later = queries.thread_from(ticket, (after[0] if after else 0) + 1)
    return _answer(request, "inbox/_thread.html", _stretch(ticket, messages, events, has_later=has_later))


@require_GET
@agent_required
def around(request: HttpRequest, number: int) -> HttpResponse:
    """The page of a thread that the message `message` is on."""
    ticket = queries.get_conversation(number, signed_in(request))
    wanted = read_ids(request.GET.get("message", ""))
    messages, events, has_earlier, has_later = queries.thread_around(ticket, wanted[0] if wanted else 0)
    context = _stretch(ticket, messages, events, has_earlier=has_earlier, has_later=has_later)
    return _answer(request, "inbox/_thread.html", context)


@require_GET
@agent_required
def find_inside(request: HttpRequest, number: int) -> HttpResponse:
    """Messages of this conversation that answer the words `q`, with the words of theirs that do."""
    ticket = queries.get_conversation(number, signed_in(request))
    found = queries.find_in_thread(ticket, request.GET.get("q", "")[:200])
    return JsonResponse({"found": [{"id": str(one.message_id), "words": one.words} for one in found]})


@require_GET
@agent_required
def fresh_items(request: HttpRequest, number: int) -> HttpResponse:
    """Single entries of a thread by id, and with `facts=1` what stands around it."""
    viewer = signed_in(request)
    ticket = queries.get_conversation(number, viewer)
    message_ids, seqs = read_ids(request.GET.get("messages", "")), read_ids(request.GET.get("seqs", ""))
    messages, events = queries.pick_thread_items(ticket, message_ids, seqs)
    context: dict[str, Any] = {"ticket": ticket, "items": make_items(messages, events)}
    if request.GET.get("facts"):
        context |= facts(ticket, viewer) | {"with_facts": True} | _address(read_selection(request.GET, viewer))
    return _answer(request, "inbox/_fresh_items.html", context)


@require_GET
@agent_required
def transcript(request: HttpRequest, number: int, form: str) -> HttpResponse:
    """A file of what both sides said."""
    ticket = queries.get_conversation(number, signed_in(request))
    if form not in {"html", "txt"}:
        raise Http404
    return transcript_file(ticket, form)


@require_GET
@agent_required
def attempts(request: HttpRequest, message_id: int) -> HttpResponse:
    tries = queries.delivery_attempts(queries.get_message(message_id, signed_in(request)))
    return _answer(request, "inbox/_attempts.html", {"attempts": tries})


@require_GET
@agent_required
def find(request: HttpRequest) -> JsonResponse:
    """For the palette: conversations that answer, and the people among them who are called so."""
    text = request.GET.get("q", "").strip()[:200]
    rows = queries.list_tickets(Selection(signed_in(request), text=text)).rows if text else []
    wanted = text.casefold().split()
    people = dict.fromkeys(
        str(row.ticket.contact) for row in rows if any(word in str(row.ticket.contact).casefold() for word in wanted)
    )
    conversations = [
        {
            "number": str(row.ticket.number),
            "title": f"№{row.ticket.number} {row.ticket.contact}",
            "hint": row.ticket.subject or (preview(row.message) if row.message else ""),
        }
        for row in rows[:8]
    ]
    return JsonResponse({"conversations": conversations, "people": [{"name": name, "hint": ""} for name in people][:5]})


# ---- Contexts --------------------------------------------------------------------------------------------------------


def wanted_part(request: HttpRequest) -> str:
    """The id of the element that a script is about to fill; empty for a whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return ""
    return request.headers.get("HX-Target", "")


def _answer(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, template, context)
    # One address, several bodies: going back must not show a fragment as a page.
    patch_vary_headers(response, ["HX-Request", "HX-Target", "Cookie"])
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _list_context(request: HttpRequest, selection: Selection) -> dict[str, Any]:
    # Before the rows: what happens in between is then asked for again rather than missed.
    seq = newest_seq()
    return {
        "seq": seq,
        "page": queries.list_tickets(selection, request.GET.get("after", "")),
        "begun": queries.drafted_ids(signed_in(request).id),
        **_views(signed_in(request), selection, seq),
    }


def _views(viewer: User, selection: Selection, seq: int) -> dict[str, Any]:
    counts = queries.count_views(viewer) | {"mentions": queries.count_unseen_mentions(viewer)}
    views = [
        {"name": name, "title": title, "icon": icon, "count": counts.get(name)}
        for name, (title, icon) in VIEW_TITLES.items()
    ]
    teams, channels = queries.all_teams(), queries.all_channels()
    sections, late = sidebar.sections(viewer, seq, teams, channels)
    built_in = VIEW_TITLES.get(selection.view)
    return {
        "views": views,
        "sections": sections,
        "teams": teams,
        "channels": channels,
        "counts_late": late,
        "view_title": built_in[0] if built_in else sidebar.title_of(selection, sections),
        "sorts": sidebar.sort_choices(selection),
        **_address(selection),
    }


def _address(selection: Selection) -> dict[str, Any]:
    """The query string that keeps the list as it is."""
    parts = {"view": selection.view, "channel": selection.channel_id, "team": selection.team_id, "q": selection.text}
    parts["sort"] = "best" if selection.best_first else selection.sort
    kept = {name: value for name, value in parts.items() if value}
    return {"selection": selection, "address": urlencode(kept)}


def conversation_context(number: int, viewer: User, selection: Selection) -> dict[str, Any]:
    ticket = queries.get_conversation(number, viewer)
    return {
        **_thread(ticket),
        **facts(ticket, viewer),
        **_address(selection),
        "client_id": uuid4(),
        "drafts": _drafts(ticket, viewer),
    }


def _drafts(ticket: Ticket, viewer: User) -> str:
    """Nothing for those before whom a page is masked: they ask for their words by themselves (tickets/inbox/drafts.py)."""
    if not viewer.sees_contact_details:
        return ""
    return json.dumps([draft.shape for draft in queries.drafts_of(ticket, viewer)])


def _thread(ticket: Ticket, before: int | None = None) -> dict[str, Any]:
    messages, events, has_earlier = queries.thread_page(ticket, before)
    return _stretch(ticket, messages, events, has_earlier=has_earlier)


def _stretch(
    ticket: Ticket, messages: list[Message], events: list[Event], *, has_earlier: bool = False, has_later: bool = False
) -> dict[str, Any]:
    """A part of a thread, with where the parts before and after it begin."""
    return {
        "ticket": ticket,
        "items": make_items(messages, events),
        "earlier": messages[0].id if has_earlier else None,
        "later": messages[-1].id if has_later else None,
        "newest": messages[-1].id if messages else None,
    }


def facts(ticket: Ticket, viewer: User, refusal: Refusal | None = None) -> dict[str, Any]:
    """The head of a conversation and the panel beside it."""
    fields = field_rows(queries.custom_fields(), ticket, refusal)
    addresses = queries.addresses_of(ticket)
    in_fields = {row.field.key for row in fields.get(FieldTarget.CONTACT, ())}
    return {
        "fields": fields,
        "ticket": ticket,
        "viewer": viewer,
        "people": queries.people_at_work(),
        "teams": queries.all_teams(),
        "tags": queries.tags_of(ticket),
        "addresses": addresses,
        "pages": pages_of(addresses)[:5],
        "links": links_for(ticket.contact, viewer),
        "known": {name: value for name, value in queries.facts_of(ticket).items() if name not in in_fields},
        "past": queries.past_tickets(ticket, viewer),
        "scheduled": queries.scheduled_of(ticket),
        "followers": queries.followers_of(ticket),
        "suggested": same_person_suggestions(ticket.contact, contacts_visible_to(viewer), most=5),
        "merges": list(undoable_merges(ticket.contact)),
        "states": queries.states(ticket),
        "ticket_merges": list(undoable_ticket_merges(ticket)),
        "priorities": Priority.choices,
        "contact_form": ContactForm(instance=ticket.contact, prefix="contact", viewer=viewer),
    }


def show_facts(request: HttpRequest, number: int, refusal: Refusal | None = None, **changed: Any) -> HttpResponse:
    """What stands around the thread, after a change; the whole page for a form without scripts."""
    if not request.headers.get("HX-Request"):
        return redirect("inbox:conversation", number=number)
    viewer = signed_in(request)
    try:
        ticket = queries.get_conversation(number, viewer)
    except NotFound:
        # Given to somebody whose conversations the person may not see.
        return render(request, "inbox/_gone.html")
    context = facts(ticket, viewer, refusal) | changed
    context |= _address(read_selection(request.GET, viewer))
    return render(request, "inbox/_facts.html", context)
