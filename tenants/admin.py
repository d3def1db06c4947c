"""The platform host's admin: workspaces are made through provisioning, switched off, and removed with their schema."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.request import validate_host
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.errors import AppError
from tenants.accounts.models import Role, User
from tenants.accounts.services import check_person
from tenants.admin_sites import platform_admin
from tenants.hosts import forget_hosts, host_name
from tenants.models import Domain, Tenant
from tenants.names import PUBLIC, check_slug, host_for, url_for_host
from tenants.provisioning import create_workspace, delete_workspace, time_zones
from tenants.tasks import refill_spares


class WorkspaceForm(forms.ModelForm[Tenant]):
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        choices=lambda: [(zone, zone) for zone in time_zones()],
        initial=Tenant._meta.get_field("timezone").default,
    )


class NewWorkspaceForm(WorkspaceForm):
    slug = forms.SlugField(label=_("Address"), max_length=40, help_text=_("The first part of the host name."))
    owner_email = forms.EmailField(label=_("Owner's e-mail"))
    owner_name = forms.CharField(label=_("Owner's name"), max_length=120, required=False)
    owner_password = forms.CharField(label=_("Owner's password"), widget=forms.PasswordInput, min_length=10)

    class Meta:
        model = Tenant
        fields = ["name", "slug", "language", "timezone"]

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"].lower()
        try:
            check_slug(slug)
        except AppError as error:
            raise forms.ValidationError(str(error)) from None
        if Tenant.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("This address is taken. Choose another one."))
        return str(slug)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                check_person(
                    email=data["owner_email"],
                    name=data["owner_name"] or data["owner_email"][:120],
                    password=data["owner_password"],
                )
            except AppError as error:
                self.add_error(f"owner_{error.field}" if error.field else None, str(error))
        return data


@admin.register(Tenant, site=platform_admin)
class TenantAdmin(admin.ModelAdmin[Tenant]):
    list_display = ["name", "address", "language", "is_active", "created_at"]
    list_filter = ["is_active", "language"]
    search_fields = ["name", "slug"]
    actions = ["switch_off", "switch_on"]
    form = WorkspaceForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        return super().get_queryset(request).exclude(schema_name=PUBLIC)

    def get_form(self, request: HttpRequest, obj: Tenant | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewWorkspaceForm
            kwargs["fields"] = None
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        if obj is None:
            return ["name", "slug", "language", "timezone", "owner_email", "owner_name", "owner_password"]
        return ["name", "slug", "schema", "identifier", "language", "timezone", "is_active", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        return ["slug", "schema", "identifier", "created_at"] if obj else []

    @admin.display(description=_("database schema"))
    def schema(self, tenant: Tenant) -> str:
        return str(tenant.schema_name)

    @admin.display(description=_("identifier"))
    def identifier(self, tenant: Tenant) -> str:
        return str(tenant.uuid)

    @admin.display(description=_("address"))
    def address(self, tenant: Tenant) -> str:
        url = url_for_host(host_for(tenant.slug))
        return format_html('<a href="{}">{}</a>', url, url)

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        if change:
            obj.save()
            forget_hosts()
            return
        data = form.cleaned_data
        made = create_workspace(
            slug=data["slug"],
            name=data["name"],
            owner_email=data["owner_email"],
            owner_password=data["owner_password"],
            owner_name=data["owner_name"],
            language=data["language"],
            timezone=data["timezone"],
        )
        obj.pk, obj.schema_name = made.pk, made.schema_name
        refill_spares.delay()

    def delete_model(self, request: HttpRequest, obj: Tenant) -> None:
        delete_workspace(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        for tenant in queryset:
            delete_workspace(tenant)

    @admin.action(description=_("Switch off: nobody can log in, nothing is received"))
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        self._switch(request, queryset, False)

    @admin.action(description=_("Switch on"))
    def switch_on(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> None:
        self._switch(request, queryset, True)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Tenant], on: bool) -> None:
        changed = queryset.update(is_active=on)
        forget_hosts()
        messages.success(request, _("Workspaces changed: %(count)s") % {"count": changed})


class DomainForm(forms.ModelForm[Domain]):
    class Meta:
        model = Domain
        fields = ["domain", "tenant", "is_primary"]
        labels = {"domain": _("host name"), "tenant": _("workspace"), "is_primary": _("the main one")}

    def clean_domain(self) -> str:
        host = host_name(self.cleaned_data["domain"])
        if not validate_host(host, settings.ALLOWED_HOSTS):
            raise forms.ValidationError(
                _("This installation does not answer to this host. Add it to EXTRA_ALLOWED_HOSTS first.")
            )
        return host


@admin.register(Domain, site=platform_admin)
class DomainAdmin(admin.ModelAdmin[Domain]):
    form = DomainForm
    list_display = ["host", "workspace", "is_main"]
    list_select_related = ["tenant"]
    search_fields = ["domain"]

    @admin.display(description=_("host name"), ordering="domain")
    def host(self, domain: Domain) -> str:
        return str(domain.domain)

    @admin.display(description=_("workspace"), ordering="tenant__name")
    def workspace(self, domain: Domain) -> str:
        return str(domain.tenant)

    @admin.display(description=_("the main one"), boolean=True, ordering="is_primary")
    def is_main(self, domain: Domain) -> bool:
        return bool(domain.is_primary)

    def save_model(self, request: HttpRequest, obj: Domain, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        forget_hosts()


class OperatorForm(forms.ModelForm[User]):
    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput, required=False, min_length=10, help_text=_("Empty: unchanged.")
    )

    class Meta:
        model = User
        fields = ["email", "name", "language", "is_active"]


@admin.register(User, site=platform_admin)
class OperatorAdmin(admin.ModelAdmin[User]):
    form = OperatorForm
    fields = ["email", "name", "language", "is_active", "password"]
    list_display = ["email", "name", "is_active", "last_login"]

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        obj.role = Role.OPERATOR
        if form.cleaned_data.get("password"):
            obj.set_password(form.cleaned_data["password"])
        elif not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
