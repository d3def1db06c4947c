"""What may be typed on the pages of contacts and companies. Services check what it means."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from tickets.contact_queries import ContactFilter
from tickets.inbox.forms import ContactForm
from tickets.models import Company, Contact


class ProfileForm(ContactForm):
    class Meta(ContactForm.Meta):
        fields = ["name", "email", "phone", "language"]


class NotesForm(forms.Form):
    notes = forms.CharField(required=False, strip=False, max_length=5000)


class CompanyForm(forms.ModelForm[Company]):
    class Meta:
        model = Company
        fields = ["name", "domain"]
        help_texts = {
            "domain": _("Whoever has an address there joins by themselves: example.com for anna@example.com.")
        }

    def validate_constraints(self) -> None:
        """The service does, in the transaction that writes."""


def read_filter(query: QueryDict) -> ContactFilter:
    """What makes no sense is left out, for links grow old."""
    company = query.get("company", "")
    return ContactFilter(
        text=query.get("q", "").replace("\x00", "").strip()[:200],
        company_id=int(company) if company.isdecimal() and len(company) <= 18 else None,
        blocked=query.get("blocked") == "1",
    )


def typed_values(query: QueryDict, prefix: str = "field-") -> dict[str, Any]:
    """Values of custom fields, by key. Of a box that is not ticked only the hidden field before it comes."""
    names = [name for name in query if name.startswith(prefix)]
    return {name.removeprefix(prefix): query.getlist(name)[-1].replace("\x00", "") for name in names}


def profile_of(contact: Contact) -> Contact:
    """A copy to fill: a form writes into its instance, also where it is refused."""
    names = ("id", "name", "email", "phone", "language")
    return Contact(**{name: getattr(contact, name) for name in names})
