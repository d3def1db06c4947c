"""CSV in and out of the lists of contacts and companies, for admins."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from omnisupport.lib.errors import AppError, NotFound
from omnisupport.lib.sheets import write_rows
from tenants.accounts.access import agent_required, signed_in_admin
from tenants.tasking import wake
from tickets import contact_queries as queries
from tickets.contacts.forms import read_filter
from tickets.models import Company, ContactImport, FieldTarget
from tickets.services import importing
from tickets.services.fields import fields_of
from tickets.tasks import read_imports


@agent_required
def imports(request: HttpRequest) -> HttpResponse:
    """What was imported before, and the form for a new file."""
    admin = signed_in_admin(request)
    error = ""
    if request.method == "POST":
        file, kind = request.FILES.get("file"), request.POST.get("kind", "")
        try:
            if file is None:
                raise NotFound(_("Choose a file."))
            kind = kind if kind in ContactImport.Kind.values else ContactImport.Kind.CONTACTS
            made = importing.upload_import(
                name=file.name or "", raw=file.read(importing.MOST_BYTES + 1), kind=kind, user=admin
            )
        except AppError as refusal:
            error = str(refusal)
        else:
            return redirect("contacts:import", made.id)
    rows = ContactImport.objects.select_related("user").order_by("-id")[:50]
    context = {"rows": rows, "error": error, "kinds": ContactImport.Kind.choices, "most_rows": importing.MOST_ROWS,
               "most_mb": importing.MOST_BYTES // 1024 // 1024}  # fmt: skip
    return render(request, "contacts/imports.html", context, status=400 if error else 200)


@agent_required
def one_import(request: HttpRequest, import_id: int) -> HttpResponse:
    """Its first rows, with what each column is; then how far it has come."""
    admin = signed_in_admin(request)
    found = _get(import_id)
    columns, error = found.columns, ""
    if request.method == "POST":
        columns = {str(place): request.POST.get(f"column-{place}", "") for place in range(len(found.shape["header"]))}
        columns = {place: code for place, code in columns.items() if code}
        try:
            importing.begin_import(found.id, columns=columns, user=admin)
        except AppError as refusal:
            error = str(refusal)
        else:
            wake(read_imports)
            return redirect("contacts:import", found.id)
    context: dict[str, Any] = {"found": found, "error": error}
    if found.state == ContactImport.State.DRAFT:
        rows = importing.preview(found)
        context["columns"] = [
            {"place": place, "name": name, "chosen": columns.get(str(place), ""), "cells": [row[place] for row in rows]}
            for place, name in enumerate(found.shape["header"])
        ]
        context["targets"] = importing.targets_of(found.kind).items()
    return render(request, "contacts/import.html", context, status=400 if error else 200)


def _get(import_id: int) -> ContactImport:
    found = ContactImport.objects.filter(id=import_id).first()
    if found is None:
        raise NotFound(_("There is no such import."))
    return found


@require_GET
@agent_required
def refused(request: HttpRequest, import_id: int) -> HttpResponse:
    """The rows that were not taken, as they came, with the reason before them: to be mended and imported again."""
    signed_in_admin(request)
    found = _get(import_id)
    return _csv(importing.refused_rows(found), f"refused-{found.id}.csv")


@require_GET
@agent_required
def export_contacts(request: HttpRequest) -> HttpResponse:
    """Those that the list shows, in the columns that an import knows by themselves."""
    admin = signed_in_admin(request)
    fields = fields_of(FieldTarget.CONTACT)
    header = ["name", "email", "phone", importing.EXTERNAL_ID, "company", "language", "notes"]
    found = (
        queries.find_contacts(admin, read_filter(request.GET)).select_related("company").order_by("-created_at", "-id")
    )
    rows = (
        [contact.name, contact.email, contact.phone, contact.attributes.get(importing.EXTERNAL_ID, ""), contact.company or "",
         contact.language, contact.notes, *(_plain(contact.attributes.get(field.key)) for field in fields)]
        for contact in found[: importing.MOST_ROWS].iterator(chunk_size=2000)
    )  # fmt: skip
    return _csv(list(chain([[*header, *(field.key for field in fields)]], rows)), "contacts.csv")


@require_GET
@agent_required
def export_companies(request: HttpRequest) -> HttpResponse:
    signed_in_admin(request)
    fields = fields_of(FieldTarget.COMPANY)
    rows = (
        [company.name, company.domain, company.notes, *(_plain(company.attributes.get(field.key)) for field in fields)]
        for company in Company.objects.order_by("name")[: importing.MOST_ROWS].iterator(chunk_size=2000)
    )
    return _csv(list(chain([["name", "domain", "notes", *(field.key for field in fields)]], rows)), "companies.csv")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _csv(rows: Sequence[Sequence[object]], name: str) -> HttpResponse:
    answer = HttpResponse(write_rows(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
