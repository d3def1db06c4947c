from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from omnisupport.lib.admin import ReadOnlyAdmin
from tenants.admin_sites import tenant_admin
from tickets.models import Contact, CustomStatus, InboxSettings, Tag, Team, Ticket


@admin.register(Team, site=tenant_admin)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ["name"]
    search_fields = ["name"]
    filter_horizontal = ["members"]


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
