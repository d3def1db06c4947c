"""Webhooks in the workspace's admin: set-up with a secret shown once, a test, the log of requests, «send again»."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from omnisupport.lib.admin import ReadOnlyAdmin
from omnisupport.lib.errors import AppError
from omnisupport.lib.http import check_url
from tenants.accounts.models import User
from tenants.admin_sites import tenant_admin
from tenants.tasking import wake
from tickets.webhooks import services
from tickets.webhooks.models import WebhookDelivery, WebhookEndpoint
from tickets.webhooks.payloads import EVENT_TYPES
from tickets.webhooks.tasks import drain_endpoint


class EndpointForm(forms.ModelForm[WebhookEndpoint]):
    url = forms.URLField(label=_("Address"), max_length=500, assume_scheme="https")
    events = forms.MultipleChoiceField(
        label=_("Events"), choices=[(event, event) for event in EVENT_TYPES], widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = WebhookEndpoint
        fields = ["name", "url", "events", "is_active"]

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        try:
            check_url(url)
        except AppError as error:
            raise forms.ValidationError(str(error)) from None
        return url


@admin.register(WebhookEndpoint, site=tenant_admin)
class WebhookEndpointAdmin(admin.ModelAdmin[WebhookEndpoint]):
    form = EndpointForm
    list_display = [
        "__str__", "url", "is_active", "failures", "failing_since", "last_success_at", "last_error", "off_reason",
    ]  # fmt: skip
    list_filter = ["is_active"]
    fields = [
        "name", "url", "events", "is_active", "off_reason", "failures", "failing_since", "last_success_at", "last_error",
        "created_at",
    ]  # fmt: skip
    readonly_fields = ["off_reason", "failures", "failing_since", "last_success_at", "last_error", "created_at"]
    actions = ["test_selected", "renew_secret"]

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        data = form.cleaned_data
        if change:
            known = WebhookEndpoint.objects.get(pk=obj.pk)
            services.change_endpoint(
                known, url=data["url"], events=data["events"], name=data["name"], is_active=data["is_active"]
            )
            return
        by = request.user if isinstance(request.user, User) else None
        made, secret = services.create_endpoint(url=data["url"], events=data["events"], name=data["name"], by=by)
        obj.pk, obj.created_at = made.pk, made.created_at
        request.new_secret = secret  # type: ignore[attr-defined]  # for response_add, in this very answer

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_secret(request, obj, getattr(request, "new_secret", ""))

    def _show_secret(self, request: HttpRequest, endpoint: WebhookEndpoint, secret: str) -> HttpResponse:
        """In this answer and never again: neither a message nor the session may keep it."""
        context = {**self.admin_site.each_context(request), "endpoint": endpoint, "secret": secret, "opts": self.opts}
        answer = TemplateResponse(request, "admin/webhooks/secret.html", context)
        add_never_cache_headers(answer)
        return answer

    @admin.action(description=_("Send a test"))
    def test_selected(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            services.send_test(endpoint)
            wake(drain_endpoint, str(endpoint.pk))
        messages.success(request, _("A ping is on its way; see its outcome among the deliveries."))

    @admin.action(description=_("Make a new secret; the old one ends at once"))
    def renew_secret(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        if queryset.count() != 1:
            messages.error(request, _("Choose one webhook."))
            return None
        endpoint = queryset.get()
        return self._show_secret(request, endpoint, services.renew_secret(endpoint))


@admin.register(WebhookDelivery, site=tenant_admin)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at", "endpoint", "event_type", "event_key", "state", "attempts", "last_status", "last_error", "due_at",
    ]  # fmt: skip
    list_filter = ["state", "endpoint", "event_type", "created_at"]
    search_fields = ["event_key", "last_error"]
    list_select_related = ["endpoint"]
    ordering = ["-id"]
    fields = [
        "endpoint", "event_type", "event_key", "state", "attempts", "due_at", "created_at", "finished_at", "request_body",
        "last_status", "duration_ms", "last_response", "last_error",
    ]  # fmt: skip
    actions = ["send_again"]

    @admin.display(description=_("request"))
    def request_body(self, delivery: WebhookDelivery) -> str:
        return json.dumps(json.loads(delivery.body), ensure_ascii=False, indent=2)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    @admin.action(description=_("Send again"), permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for endpoint_id in services.send_again(ids):
            wake(drain_endpoint, str(endpoint_id))
        count = len(ids)
        messages.success(
            request, ngettext("%(n)d event is sent again.", "%(n)d events are sent again.", count) % {"n": count}
        )
