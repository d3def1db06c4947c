"""People of a workspace, for its admins. Only the owner may touch the owner; nobody raises their own role."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from tenants.accounts.access import signed_in_admin
from tenants.accounts.forms import zone_field
from tenants.accounts.models import Access, Role, User
from tenants.accounts.services import note_rights
from tenants.admin_sites import tenant_admin

_GRANTABLE = [Role.ADMIN, Role.AGENT]


class PersonForm(forms.ModelForm[User]):
    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput, required=False, min_length=10, help_text=_("Empty: unchanged.")
    )
    timezone = zone_field()
    role = forms.ChoiceField(label=_("Role"), choices=[(role.value, role.label) for role in _GRANTABLE])

    class Meta:
        model = User
        fields = ["email", "name", "role", "access", "sees_contact_details", "language", "timezone", "is_active"]


@admin.register(User, site=tenant_admin)
class PersonAdmin(admin.ModelAdmin[User]):
    form = PersonForm
    list_display = ["name", "email", "role", "access", "is_active", "last_login"]
    list_filter = ["role", "access", "is_active"]
    search_fields = ["name", "email"]
    fields = [
        "email",
        "name",
        "role",
        "access",
        "sees_contact_details",
        "language",
        "timezone",
        "is_active",
        "password",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return User.objects.people().order_by("name")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.role == Role.OWNER and obj.pk != request.user.pk:
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """People are switched off, not deleted: their messages keep a name."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        protected = obj is not None and (obj.role == Role.OWNER or obj.pk == request.user.pk)
        return ["role", "is_active"] if protected else []

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.email = obj.email.lower()
        if form.cleaned_data.get("password"):
            obj.set_password(form.cleaned_data["password"])
        elif not change:
            obj.set_unusable_password()
        before = User.objects.filter(pk=obj.pk).values_list("access", "sees_contact_details").first()
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            note_rights(obj, before or (Access.ALL, True), signed_in_admin(request))
