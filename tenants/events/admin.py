from django.contrib import admin

from omnisupport.lib.admin import ReadOnlyAdmin
from tenants.admin_sites import tenant_admin
from tenants.events.models import Event


@admin.register(Event, site=tenant_admin)
class EventAdmin(ReadOnlyAdmin):
    """The audit trail."""

    list_display = ["created_at", "type", "ticket_id", "actor", "payload"]
    list_filter = ["type"]
    list_select_related = ["actor"]
    date_hierarchy = "created_at"
    ordering = ["-id"]
