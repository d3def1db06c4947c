"""The knowledge base in the workspace's admin: upload, watch, replace, delete, and try the search."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from knowledge import admin_sites, admin_synonyms  # noqa: F401  # Django looks into this module only
from knowledge.confidence import RELEVANCE_FLOOR
from knowledge.forms import AddForm, ArticleForm, ReplaceForm, SearchForm
from knowledge.models import Chunk, Document
from knowledge.remote import search_in_worker
from knowledge.services import articles, documents
from knowledge.tasks import delete_vectors_task, ingest_document_task
from omnisupport.lib.admin import ReadOnlyAdmin
from omnisupport.lib.errors import AppError, Unavailable
from tenants.accounts.models import User
from tenants.admin_sites import tenant_admin
from tenants.tasking import wake


@admin.register(Document, site=tenant_admin)
class DocumentAdmin(admin.ModelAdmin[Document]):
    list_display = ["title", "progress", "note", "kind", "chunk_count", "updated_at"]
    list_filter = ["state", "kind", "origin"]
    search_fields = ["title", "filename", "url"]
    ordering = ["-created_at"]
    actions = ["reindex_selected"]
    change_list_template = "knowledge/admin/document_list.html"
    change_form_template = "knowledge/admin/document.html"
    fields = [
        "title", "progress", "note", "origin", "address", "filename", "kind", "language", "pages", "file_size", "passages",
        "version", "created_by", "created_at", "updated_at",
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Document | None = None) -> Any:
        return self.fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return super().get_queryset(request).exclude(state=Document.State.DELETING).select_related("created_by")

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("search/", self.admin_site.admin_view(self.search_view), name="knowledge_search"),
            path(
                "<uuid:document_id>/replace/",
                self.admin_site.admin_view(self.replace_view),
                name="knowledge_document_replace",
            ),
            path("article/", self.admin_site.admin_view(self.article_view), name="knowledge_article_new"),
            path(
                "<uuid:document_id>/article/",
                self.admin_site.admin_view(self.article_view),
                name="knowledge_article_edit",
            ),
        ]
        return own + super().get_urls()

    # ---- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def progress(self, document: Document) -> str:
        label = str(document.get_state_display())
        if document.state in Document.WORKING and document.total:
            return _("%(state)s: %(done)s of %(total)s") % {
                "state": label,
                "done": document.done,
                "total": document.total,
            }
        return label

    @admin.display(description=gettext_lazy("note"))
    def note(self, document: Document) -> str:
        return document.message

    @admin.display(description=gettext_lazy("size"), ordering="size")
    def file_size(self, document: Document) -> str:
        return str(filesizeformat(document.size)) if document.size else "—"

    @admin.display(description=gettext_lazy("address"))
    def address(self, document: Document) -> SafeString | str:
        if not document.url:
            return "—"
        return format_html('<a href="{}" rel="noreferrer noopener">{}</a>', document.url, document.url)

    @admin.display(description=gettext_lazy("passages"))
    def passages(self, document: Document) -> SafeString:
        url = reverse("admin:knowledge_chunk_changelist") + f"?document__id__exact={document.id}"
        return format_html('<a href="{}">{}</a>', url, document.chunk_count)

    # ---- What people may do -------------------------------------------------------------------------------------------

    def has_change_permission(self, request: HttpRequest, obj: Document | None = None) -> bool:
        # The page shows; changes go through the buttons. The list needs it for its actions.
        return obj is None and self.admin_site.has_permission(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        form = AddForm(request.POST, request.FILES) if request.method == "POST" else AddForm()
        if form.is_bound and form.is_valid():
            added = self._add_all(request, form)
            if added:
                # What was refused is told on the list; the rest is on its way.
                for complaints in form.errors.values():
                    messages.error(request, " ".join(map(str, complaints)))
                return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))
        return self._page(request, "knowledge/admin/add.html", title=_("Add documents"), form=form)

    def _add_all(self, request: HttpRequest, form: AddForm) -> int:
        """Each file by itself: one that is refused does not stop the others."""
        added, title = 0, form.title_of_one()
        # A complaint takes its field out of the cleaned data.
        uploads, url = form.cleaned_data["uploads"], form.cleaned_data["url"]
        for upload in uploads:
            try:
                document, is_new = documents.add_document(
                    upload, filename=upload.name, user=_actor(request), title=title
                )
            except AppError as error:
                form.add_error("uploads", str(error))
                continue
            added += self._added(request, document, is_new)
        if url:
            try:
                document, is_new = documents.add_url(url, user=_actor(request), title=title)
            except AppError as error:
                form.add_error("url", str(error))
            else:
                added += self._added(request, document, is_new)
        return added

    def _added(self, request: HttpRequest, document: Document, is_new: bool) -> int:
        wake(ingest_document_task, str(document.id))
        if not is_new:
            messages.info(request, _("“%(title)s” is there already.") % {"title": document.title})
        return 1

    def replace_view(self, request: HttpRequest, document_id: UUID) -> HttpResponse:
        document = documents.get_document(document_id)
        form = ReplaceForm(request.POST, request.FILES) if request.method == "POST" else ReplaceForm()
        if form.is_bound and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                documents.replace_document(document.id, upload, filename=upload.name, user=_actor(request))
            except AppError as error:
                form.add_error("file", str(error))
            else:
                wake(ingest_document_task, str(document.id))
                return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))
        title = _("New file for “%(title)s”") % {"title": document.title}
        return self._page(request, "knowledge/admin/add.html", title=title, form=form)

    def article_view(self, request: HttpRequest, document_id: UUID | None = None) -> HttpResponse:
        """A new article, or the text of one to edit."""
        known = articles.get_article(document_id) if document_id else None
        initial = {"title": request.GET.get("title", "")[:300]}
        if known:
            initial = {"title": known.title, "text": articles.article_text(known)}
        form = ArticleForm(request.POST if request.method == "POST" else None, initial=initial)
        if form.is_bound and form.is_valid():
            try:
                document = articles.write_article(
                    **form.cleaned_data, user=_actor(request), document_id=known.id if known else None
                )
            except AppError as error:
                form.add_error("title" if error.field == "title" else "text", str(error))
            else:
                wake(ingest_document_task, str(document.id))
                return HttpResponseRedirect(reverse("admin:knowledge_document_changelist"))
        title = _("Edit “%(title)s”") % {"title": known.title} if known else _("Write an article")
        return self._page(request, "knowledge/admin/add.html", title=title, form=form, button=_("Save"))

    @admin.action(description=gettext_lazy("Index again"))
    def reindex_selected(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for document_id in ids:
            documents.reindex_document(document_id, user=_actor(request))
            wake(ingest_document_task, str(document_id))
        done = ngettext("%(n)d document will be indexed again.", "%(n)d documents will be indexed again.", len(ids))
        messages.success(request, done % {"n": len(ids)})

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        documents.delete_document(obj.id, user=_actor(request))
        wake(delete_vectors_task, str(obj.id))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        for document in list(queryset):
            self.delete_model(request, document)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Only the documents: Django would list every passage of them."""
        titles = [str(document) for document in objs]
        return titles, {str(Document._meta.verbose_name_plural): len(titles)}, set(), []

    # ---- Search -------------------------------------------------------------------------------------------------------

    def search_view(self, request: HttpRequest) -> HttpResponse:
        form = SearchForm(request.GET if "q" in request.GET else None)
        result = None
        if form.is_valid():
            try:
                result = search_in_worker(form.cleaned_data["q"], 10)
            except Unavailable as error:
                form.add_error("q", str(error))
        return self._page(
            request, "knowledge/admin/search.html", title=_("Search"), form=form, result=result, floor=RELEVANCE_FLOOR
        )

    def _page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return TemplateResponse(
            request, template, {**self.admin_site.each_context(request), "opts": self.opts, **context}
        )


@admin.register(Chunk, site=tenant_admin)
class ChunkAdmin(ReadOnlyAdmin):
    list_display = ["number", "heading_path", "page", "shown", "tokens", "document"]
    search_fields = ["text"]
    list_select_related = ["document"]
    list_per_page = 50
    ordering = ["document", "number"]
    fields = ["document", "number", "heading_path", "page", "anchor", "language", "tokens", "text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chunk]:
        live = Chunk.objects.filter(version=F("document__version"))
        return live.defer("terms")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "document__id__exact" or super().lookup_allowed(lookup, value, request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False  # reached from its document

    @admin.display(description=gettext_lazy("text"))
    def shown(self, chunk: Chunk) -> str:
        return chunk.text if len(chunk.text) <= 300 else chunk.text[:300] + "…"


def _actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
