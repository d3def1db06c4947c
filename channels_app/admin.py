"""Channels and the inbound ledger in the workspace's admin. Set-up itself has pages of its own under /channels/."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from channels_app.kinds import kind_choices
from channels_app.models import Channel, InboundEvent
from channels_app.services.inbound import replay, replay_failed, replayable, search_ledger
from channels_app.tasks import drain_inbound
from omnisupport.lib.admin import ReadOnlyAdmin
from tenants.admin_sites import tenant_admin
from tenants.tasking import wake

# So many replayed rows are shown by themselves.
SHOWN_AFTERWARDS = 100


@admin.register(Channel, site=tenant_admin)
class ChannelAdmin(ReadOnlyAdmin):
    list_display = ["name", "kind", "is_active", "health", "health_note", "last_inbound_at", "last_outbound_at"]
    list_filter = ["kind", "health"]
    fields = [
        "name", "kind", "is_active", "first_assignee", "health", "health_note", "last_inbound_at", "last_outbound_at",
        "created_at",
    ]  # fmt: skip
    actions = ["replay_failed_of"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    @admin.action(description=_("Process again all that failed"), permissions=["view"])
    def replay_failed_of(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        count = 0
        for channel in queryset:
            count += replay_failed(channel.pk)
            wake(drain_inbound, str(channel.pk))
        tell_replayed(request, count)


class KindFilter(admin.SimpleListFilter):
    title = _("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return kind_choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[InboundEvent]) -> QuerySet[InboundEvent]:
        return queryset.filter(channel__kind=self.value()) if self.value() else queryset


@admin.register(InboundEvent, site=tenant_admin)
class InboundEventAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "channel", "state", "error_in_short", "attempts", "key_in_short", "processed_at"]
    list_filter = ["state", "channel", KindFilter, "received_at"]
    search_fields = ["event_key", "error"]
    search_help_text = _("Key, reason of the failure, or words of the raw body, as they stand there.")
    list_select_related = ["channel"]
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["channel", "event_key", "state", "attempts", "error", "received_at", "processed_at", "raw"]
    actions = ["replay_selected"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundEvent]:
        rows: QuerySet[InboundEvent] = super().get_queryset(request)
        return rows if request.resolver_match and "object_id" in request.resolver_match.kwargs else rows.defer("body")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[InboundEvent], search_term: str
    ) -> tuple[QuerySet[InboundEvent], bool]:
        return search_ledger(queryset, search_term), False

    @admin.display(description=_("key of the event"), ordering="event_key")
    def key_in_short(self, event: InboundEvent) -> str:
        # A hash of sixty-four letters would push everything else off the screen.
        return Truncator(event.event_key).chars(24)

    @admin.display(description=_("reason"))
    def error_in_short(self, event: InboundEvent) -> str:
        return event.error[:200]

    @admin.display(description=_("as it came"))
    def raw(self, event: InboundEvent) -> str:
        text = bytes(event.body).decode("utf-8", "replace")
        try:
            return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
        except (ValueError, RecursionError):
            return text

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.admin_site.has_permission(request)

    @admin.action(description=_("Process again"), permissions=["view"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[InboundEvent]) -> HttpResponse | None:
        ids = list(replayable(queryset).values_list("id", flat=True))
        if not ids:
            messages.warning(request, _("Nothing to process again: these events are in their conversations already."))
            return None
        for channel_id in replay(ids):
            wake(drain_inbound, str(channel_id))
        tell_replayed(request, len(ids))
        if len(ids) > SHOWN_AFTERWARDS:
            return None
        # The very rows, so that a reload shows what became of them.
        return redirect(f"{request.path}?{urlencode({'id__in': ','.join(map(str, ids))})}")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "id__in" or super().lookup_allowed(lookup, value, request)


def tell_replayed(request: HttpRequest, count: int) -> None:
    text = ngettext(
        "%(n)d event is being processed again; reload to see what became of it.",
        "%(n)d events are being processed again; reload to see what became of them.",
        count,
    )
    messages.success(request, text % {"n": count})
