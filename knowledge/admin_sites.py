"""Sites as sources, in the workspace's admin: added, read again, removed, each page with what became of it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from knowledge.forms import SourceForm
from knowledge.models import Source, SourcePage
from knowledge.services import sources
from knowledge.tasks import delete_vectors_task, visit_source_task
from omnisupport.lib.admin import ReadOnlyAdmin
from omnisupport.lib.errors import AppError
from omnisupport.lib.forms import show_refusal
from tenants.accounts.models import User
from tenants.admin_sites import tenant_admin
from tenants.tasking import wake


@admin.register(Source, site=tenant_admin)
class SourceAdmin(admin.ModelAdmin[Source]):
    list_display = ["url", "progress", "note", "pages_link", "synced_at"]
    ordering = ["-created_at"]
    actions = ["visit_selected"]
    change_list_template = "knowledge/admin/source_list.html"
    fields = [
        "url", "progress", "note", "max_pages", "max_depth", "pages_link", "synced_at", "created_by", "created_at",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Source | None = None) -> Any:
        return self.fields

    def has_change_permission(self, request: HttpRequest, obj: Source | None = None) -> bool:
        # As with documents: the list needs it for its actions.
        return obj is None and self.admin_site.has_permission(request)

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def progress(self, source: Source) -> str:
        label = str(source.get_state_display())
        if source.state == Source.State.RUNNING:
            return _("%(state)s: %(done)s of %(total)s") % {"state": label, "done": source.done, "total": source.total}
        return label

    @admin.display(description=gettext_lazy("note"))
    def note(self, source: Source) -> str:
        return source.message

    @admin.display(description=gettext_lazy("pages"))
    def pages_link(self, source: Source) -> SafeString:
        url = reverse("admin:knowledge_sourcepage_changelist") + f"?source__id__exact={source.id}"
        return format_html('<a href="{}">{}</a>', url, source.pages.count())

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        form = SourceForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and self._add(request, form):
            return HttpResponseRedirect(reverse("admin:knowledge_source_changelist"))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Add a site"), "form": form}
        return TemplateResponse(request, "knowledge/admin/add.html", {**context, "button": _("Add")})

    def _add(self, request: HttpRequest, form: forms.ModelForm[Source]) -> bool:
        try:
            source, is_new = sources.add_source(**form.cleaned_data, user=_actor(request))
        except AppError as error:
            show_refusal(form, error, otherwise="url")
            return False
        wake(visit_source_task, str(source.id))
        if not is_new:
            messages.info(request, _("“%(title)s” is there already.") % {"title": source.url})
        return True

    @admin.action(description=gettext_lazy("Read again now"))
    def visit_selected(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for source_id in ids:
            sources.request_visit(source_id, user=_actor(request))
            wake(visit_source_task, str(source_id))
        done = ngettext("%(n)d site will be read again.", "%(n)d sites will be read again.", len(ids))
        messages.success(request, done % {"n": len(ids)})

    def delete_model(self, request: HttpRequest, obj: Source) -> None:
        for document_id in sources.delete_source(obj.id, user=_actor(request)):
            wake(delete_vectors_task, str(document_id))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        for source in list(queryset):
            self.delete_model(request, source)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The sites and how many documents go with them: Django would list every page."""
        titles = [str(source) for source in objs]
        pages = SourcePage.objects.filter(source__in=list(objs)).exclude(document=None).count()
        counts = {str(self.opts.verbose_name_plural): len(titles), _("documents"): pages}
        return titles, counts, set(), []


@admin.register(SourcePage, site=tenant_admin)
class SourcePageAdmin(ReadOnlyAdmin):
    list_display = ["url", "state", "note", "document", "visited_at"]
    list_filter = ["state"]
    search_fields = ["url"]
    list_select_related = ["document"]
    list_per_page = 50
    ordering = ["depth", "id"]
    fields = ["source", "url", "state", "note", "document", "visited_at"]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "source__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # reached from its site

    @admin.display(description=gettext_lazy("note"))
    def note(self, page: SourcePage) -> str:
        return page.message


def _actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
