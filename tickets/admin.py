from django.contrib import admin

from omnisupport.lib.admin import ReadOnlyAdmin
from tenants.admin_sites import tenant_admin
from tickets.models import Contact, Tag, Team, Ticket


@admin.register(Team, site=tenant_admin)
class TeamAdmin(admin.ModelAdmin[Team]):
    list_display = ["name"]
    search_fields = ["name"]
    filter_horizontal = ["members"]


@admin.register(Tag, site=tenant_admin)
class TagAdmin(admin.ModelAdmin[Tag]):
    list_display = ["name"]
    search_fields = ["name"]


@admin.register(Contact, site=tenant_admin)
class ContactAdmin(ReadOnlyAdmin):
    list_display = ["name", "email", "phone", "created_at"]
    search_fields = ["name", "email", "phone"]
    ordering = ["-created_at"]


@admin.register(Ticket, site=tenant_admin)
class TicketAdmin(ReadOnlyAdmin):
    list_display = ["number", "subject", "status", "priority", "assignee", "channel", "created_at"]
    list_filter = ["status", "priority", "channel"]
    search_fields = ["number", "subject", "contact__name"]
    list_select_related = ["assignee", "channel"]
    ordering = ["-id"]
