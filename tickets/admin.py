from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import ManyToManyField
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.admin import ReadOnlyAdmin
from omnisupport.lib.errors import AppError
from omnisupport.lib.signing import make_secret
from tenants.accounts.models import User
from tenants.admin_sites import tenant_admin
from tickets.contact_links import strange_variables
from tickets.models import Contact, ContactLink, CustomField, CustomStatus, InboxSettings, Tag, Team, Ticket
from tickets.services.fields import check_pattern


@admin.register(Team, site=tenant_admin)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ["name"]
    search_fields = ["name"]

    def formfield_for_manytomany(self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **{**kwargs, "queryset": User.objects.people(), "widget": forms.CheckboxSelectMultiple}
        )


@admin.register(Tag, site=tenant_admin)
class TagAdmin(admin.ModelAdmin[Tag]):
    list_display = ["name"]
    search_fields = ["name"]


@admin.register(CustomStatus, site=tenant_admin)
class CustomStatusAdmin(admin.ModelAdmin[CustomStatus]):
    list_display = ["name", "category", "position", "is_active"]
    list_editable = ["position", "is_active"]

    def get_readonly_fields(self, request: HttpRequest, obj: CustomStatus | None = None) -> list[str]:
        # Conversations have it: their status would be another than the name says.
        return ["category"] if obj else []


class CustomFieldForm(forms.ModelForm[CustomField]):
    options = forms.CharField(
        label=_("Options"), required=False, widget=forms.Textarea, help_text=_("What can be chosen, one a line.")
    )
    pattern = forms.CharField(
        label=_("Pattern"),
        required=False,
        max_length=200,
        help_text=_("Of a text: a regular expression that all of it has to match. The hint says what is expected."),
    )

    class Meta:
        model = CustomField
        fields = [
            "target", "key", "label", "type", "options", "pattern", "hint", "required_to_solve", "position",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["options"] = "\n".join(self.instance.options)

    def clean_options(self) -> list[str]:
        lines = (line.strip()[:100] for line in self.cleaned_data["options"].splitlines())
        return list(dict.fromkeys(line for line in lines if line))[:200]

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"])
        try:
            check_pattern(pattern)
        except AppError as error:
            raise forms.ValidationError(str(error)) from None
        return pattern


@admin.register(CustomField, site=tenant_admin)
class CustomFieldAdmin(admin.ModelAdmin[CustomField]):
    form = CustomFieldForm
    list_display = ["label", "target", "key", "type", "required_to_solve", "position"]
    list_editable = ["position"]
    list_filter = ["target"]

    def get_readonly_fields(self, request: HttpRequest, obj: CustomField | None = None) -> list[str]:
        # Values lie under the key, in the shape of the type.
        return ["target", "key", "type"] if obj else []


@admin.register(InboxSettings, site=tenant_admin)
class InboxSettingsAdmin(admin.ModelAdmin[InboxSettings]):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not InboxSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Contact, site=tenant_admin)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ["name", "email", "phone", "created_at"]
    search_fields = ["name", "email", "phone"]
    ordering = ["-created_at"]


@admin.register(Ticket, site=tenant_admin)
class TicketAdmin(ReadOnlyAdmin):
    list_display = ["number", "subject", "status", "priority", "assignee", "channel", "created_at"]
    list_filter = ["status", "custom_status", "priority", "channel"]
    search_fields = ["number", "subject", "contact__name"]
    list_select_related = ["assignee", "channel"]
    ordering = ["-id"]


class ContactLinkForm(forms.ModelForm[ContactLink]):
    class Meta:
        model = ContactLink
        fields = ["name", "url", "is_active"]
        help_texts = {
            "url": _(
                "Any of {contact_id}, {external_id}, {email}, {phone}, {name} is replaced; exp and sig are added."
            ),
        }

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        strange = strange_variables(url)
        if strange:
            raise forms.ValidationError(_("There is no {%(name)s}."), params={"name": strange[0]})
        if not url.startswith(("https://", "http://")):
            raise forms.ValidationError(_("write a whole address that begins with https://."))
        return url


@admin.register(ContactLink, site=tenant_admin)
class ContactLinkAdmin(admin.ModelAdmin[ContactLink]):
    """The secret is made here and shown once, when the link is made."""

    form = ContactLinkForm
    list_display = ["name", "url", "is_active"]

    def save_model(self, request: HttpRequest, obj: ContactLink, form: Any, change: bool) -> None:
        if not change:
            obj.secrets = {"secret": make_secret()}
            told = _("The secret that signs this link, shown only now: %(secret)s") % {"secret": obj.secrets["secret"]}
            messages.warning(request, told)
        super().save_model(request, obj, form, change)
