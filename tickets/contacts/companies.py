"""Pages of companies: the list, and one with its people and what they wrote."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.access import agent_required, signed_in, signed_in_admin
from tickets import contact_queries as queries
from tickets.contacts.forms import CompanyForm, NotesForm, typed_values
from tickets.inbox.fields import FieldRow
from tickets.inbox.forms import checked
from tickets.models import Company, FieldTarget
from tickets.services.companies import delete_company, save_company
from tickets.services.fields import fields_of


@agent_required
def companies(request: HttpRequest) -> HttpResponse:
    """The list, and the form for a new one."""
    form = CompanyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = save_company(None, changes=form.cleaned_data, actor=signed_in(request))
        except AppError as error:
            show_refusal(form, error)
        else:
            return redirect("contacts:company", made.id)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    rows, following = queries.list_companies(
        text, signed_in(request), request.GET.get("after", "").replace("\x00", "")[:200]
    )
    context = {"rows": rows, "following": following, "text": text, "form": form}
    return render(request, "contacts/companies.html", context, status=400 if form.errors else 200)


@agent_required
def company(request: HttpRequest, company_id: int) -> HttpResponse:
    viewer = signed_in(request)
    found = queries.get_company(company_id)
    form = CompanyForm(request.POST or None, instance=Company(id=found.id, name=found.name, domain=found.domain))
    typed = typed_values(request.POST)
    refused = ("", "")
    if request.method == "POST" and form.is_valid():
        try:
            save_company(found.id, changes={**form.cleaned_data, "attributes": typed}, actor=viewer)
        except AppError as error:
            refused = (error.field, str(error))
            if error.field not in typed:
                show_refusal(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("contacts:company", found.id)
    rows = [
        FieldRow(field, typed.get(field.key), refused[1])
        if field.key == refused[0]
        else FieldRow(field, found.attributes.get(field.key))
        for field in fields_of(FieldTarget.COMPANY)
    ]
    context = {
        "company": found,
        "form": form,
        "rows": rows,
        "people": queries.people_of(found, viewer),
        "tickets": queries.tickets_of_company(found, viewer),
    }
    return render(request, "contacts/company.html", context, status=400 if form.errors or refused[0] else 200)


@require_POST
@agent_required
def notes(request: HttpRequest, company_id: int) -> HttpResponse:
    """Saved while they are typed."""
    found = queries.get_company(company_id)
    save_company(found.id, changes=checked(NotesForm(request.POST)), actor=signed_in(request))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect("contacts:company", found.id)


@require_POST
@agent_required
def delete(request: HttpRequest, company_id: int) -> HttpResponse:
    """Its people stay."""
    delete_company(company_id, actor=signed_in_admin(request))
    messages.success(request, _("Deleted; its people stay, without a company."))
    return redirect("contacts:companies")
