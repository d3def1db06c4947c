"""Pages of contacts: the list, and everything that is known of one."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in, signed_in_admin
from tickets import contact_queries as queries
from tickets.contact_links import links_for, signed_url
from tickets.contacts.forms import NotesForm, ProfileForm, profile_of, read_filter, typed_values
from tickets.inbox.actions import show_revealed
from tickets.inbox.fields import FieldRow
from tickets.inbox.forms import TextChoice, UUIDChoice, checked
from tickets.models import Contact, ContactLink, FieldTarget
from tickets.queries import get_contact
from tickets.rights import contacts_visible_to
from tickets.services.companies import set_company
from tickets.services.contacts import update_contact
from tickets.services.erasing import erase_contact, export_contact
from tickets.services.fields import fields_of
from tickets.services.merging import merge_contacts, same_person_suggestions, undo_merge, undoable_merges


@require_GET
@agent_required
def contacts(request: HttpRequest) -> HttpResponse:
    wanted = read_filter(request.GET)
    older, newer = request.GET.get("older", ""), request.GET.get("newer", "")
    page = queries.list_contacts(signed_in(request), wanted, older=older, newer=newer)
    kept = {"q": wanted.text, "company": wanted.company_id, "blocked": "1" if wanted.blocked else ""}
    context = {
        "page": page,
        "wanted": wanted,
        "company": queries.get_company(wanted.company_id) if wanted.company_id else None,
        "address": urlencode({name: value for name, value in kept.items() if value}),
    }
    return render(request, "contacts/list.html", context)


@agent_required
def contact(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Raises NotFound. One that was merged leads to whom it was merged with."""
    viewer = signed_in(request)
    found = get_contact(contact_id, viewer)
    if found.merged_into_id:
        return redirect("contacts:contact", found.merged_into_id)
    form = ProfileForm(request.POST or None, instance=profile_of(found), viewer=viewer)
    typed = typed_values(request.POST)
    refused = ("", "")
    if request.method == "POST" and form.is_valid():
        try:
            update_contact(found.id, changes={**form.cleaned_data, "attributes": typed}, actor=viewer)
        except InvalidInput as error:
            refused = (error.field, str(error))
            if error.field not in typed:
                show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("contacts:contact", found.id)
    rows = [
        FieldRow(field, typed.get(field.key), refused[1])
        if field.key == refused[0]
        else FieldRow(field, found.attributes.get(field.key))
        for field in fields_of(FieldTarget.CONTACT)
    ]
    context = _known(request, found, {row.field.key for row in rows}) | {"form": form, "rows": rows}
    return render(request, "contacts/contact.html", context, status=400 if form.errors or refused[0] else 200)


def _known(request: HttpRequest, found: Contact, in_fields: set[str]) -> dict[str, Any]:
    viewer = signed_in(request)
    addresses = queries.addresses_of(found)
    return {
        "contact": found,
        "company_names": queries.company_names(),
        "addresses": addresses,
        "tickets": queries.tickets_of(found, viewer),
        "files": queries.files_of(found, viewer),
        "pages": queries.pages_of(addresses),
        "facts": {name: value for name, value in found.attributes.items() if name not in in_fields},
        "links": links_for(found, viewer),
        "merges": list(undoable_merges(found)),
        "looks": queries.looks_at(found) if viewer.is_admin else [],
    }


@require_POST
@agent_required
def notes(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Saved while they are typed."""
    found = get_contact(contact_id, signed_in(request))
    update_contact(found.id, changes=checked(NotesForm(request.POST)), actor=signed_in(request))
    return _done(request, found)


@require_POST
@agent_required
def company(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    found = get_contact(contact_id, signed_in(request))
    set_company(found.id, name=checked(TextChoice(request.POST))["value"], actor=signed_in(request))
    return _done(request, found)


def _done(request: HttpRequest, found: Contact) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("contacts:contact", found.id)


@require_POST
@agent_required
def reveal(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    return show_revealed(request, get_contact(contact_id, signed_in(request)), None)


@agent_required
def merge(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Somebody else who is the same person: looked for by name, phone or address, shown beside this one, then merged."""
    viewer = signed_in(request)
    kept = get_contact(contact_id, viewer)
    if request.method == "POST":
        other = checked(UUIDChoice(request.POST))["value"]
        if other is None:
            raise InvalidInput(_("Choose a contact."), field="value")
        merge_contacts(kept_id=kept.id, gone_id=get_contact(other, viewer).id, user=viewer)
        messages.success(request, _("They are one contact now. You can part them again for 24 hours."))
        return redirect("contacts:contact", kept.id)
    wanted = read_filter(request.GET)
    same = same_person_suggestions(kept, contacts_visible_to(viewer))
    found = queries.list_contacts(viewer, wanted).contacts if wanted.text else same
    chosen = checked(UUIDChoice({"value": request.GET.get("with", "")}))["value"]
    gone = get_contact(chosen, viewer) if chosen and chosen != kept.id else None
    sides = [
        {"contact": one, "addresses": queries.addresses_of(one), "tickets": len(queries.tickets_of(one, viewer))}
        for one in (kept, gone)
        if one
    ]
    others = [one for one in found if one.id != kept.id]
    context = {"contact": kept, "others": others, "wanted": wanted, "sides": sides, "gone": gone}
    return render(request, "contacts/merge.html", context)


@require_POST
@agent_required
def part(request: HttpRequest, contact_id: UUID, merge_id: int) -> HttpResponse:
    kept = get_contact(contact_id, signed_in(request))
    undo_merge(merge_id, signed_in(request), kept_id=kept.id)
    messages.success(request, _("They are two contacts again."))
    return redirect("contacts:contact", kept.id)


@require_GET
@agent_required
def link(request: HttpRequest, contact_id: UUID, link_id: int) -> HttpResponse:
    """Signed at the click: the signature is good for five minutes."""
    viewer = signed_in(request)
    found = get_contact(contact_id, viewer)
    wanted = get_object_or_404(ContactLink, id=link_id)
    if wanted not in links_for(found, viewer):
        raise Http404
    headers = {"Location": signed_url(wanted, found), "Referrer-Policy": "no-referrer"}
    return HttpResponse(status=302, headers=headers)


@require_GET
@agent_required
def data(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    """Everything about the person, for the person."""
    found = get_contact(contact_id, signed_in_admin(request))
    answer = JsonResponse(export_contact(found), json_dumps_params={"ensure_ascii": False, "indent": 1})
    answer["Content-Disposition"] = f'attachment; filename="contact-{found.id}.json"'
    return answer


@agent_required
def erase(request: HttpRequest, contact_id: UUID) -> HttpResponse:
    viewer = signed_in_admin(request)
    found = get_contact(contact_id, viewer)
    error = ""
    if request.method == "POST":
        try:
            erase_contact(found.id, named=request.POST.get("named", ""), actor=viewer)
        except InvalidInput as refusal:
            error = str(refusal)
        else:
            messages.success(request, _("Erased."))
            return redirect("contacts:list")
    context = {"contact": found, "error": error, "tickets": len(queries.tickets_of(found, viewer))}
    return render(request, "contacts/erase.html", context, status=400 if error else 200)
