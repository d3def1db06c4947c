"""Channels and the inbound ledger in the workspace's admin. Set-up itself has pages of its own under /channels/."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from channels_app.models import Channel, InboundEvent
from channels_app.services.inbound import replay
from channels_app.tasks import drain_inbound
from omnisupport.lib.admin import ReadOnlyAdmin
from tenants.admin_sites import tenant_admin
from tenants.tasking import wake


@admin.register(Channel, site=tenant_admin)
class ChannelAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "is_active", "health", "health_note", "last_inbound_at", "last_outbound_at"]
    list_filter = ["kind", "health"]
    fields = [
        "name", "kind", "is_active", "first_assignee", "health", "health_note", "last_inbound_at", "last_outbound_at",
        "created_at",
    ]  # fmt: skip


@admin.register(InboundEvent, site=tenant_admin)
class InboundEventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "channel", "event_key", "state", "attempts", "error"]
    list_filter = ["state", "channel"]
    search_fields = ["event_key", "error"]
    list_select_related = ["channel"]
    ordering = ["-id"]
    fields = ["channel", "event_key", "state", "attempts", "error", "received_at", "processed_at", "raw"]
    actions = ["replay_selected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEvent]:
        rows: QuerySet[InboundEvent] = super().get_queryset(request)
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer("body")

    @admin.display(description=_("as it came"))
    def raw(self, event: InboundEvent) -> str:
        text = bytes(event.body).decode("utf-8", "replace")
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        except ValueError:
            return text

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    @admin.action(description=_("Process again"), permissions=["view"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[InboundEvent]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for channel_id in replay(ids):
            wake(drain_inbound, str(channel_id))
        count = len(ids)
        messages.success(
            request,
            ngettext("%(n)d event will be processed again.", "%(n)d events will be processed again.", count)
            % {"n": count},
        )
