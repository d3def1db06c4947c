"""The help centre in the workspace's admin: its switch, categories, articles with what readers say, searches in vain."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from knowledge.help_centre import queries, services
from knowledge.help_centre.forms import ArticleForm, CategoryForm
from knowledge.help_centre.models import Article, Category, HelpCentre, MissedSearch, Vote
from knowledge.help_centre.pages import html_response, render_page, tenant_of
from knowledge.help_centre.views import article_page
from knowledge.models import Document
from omnisupport.lib.admin import ReadOnlyAdmin
from tenants.accounts.models import User
from tenants.admin_sites import tenant_admin


@admin.register(HelpCentre, site=tenant_admin)
class HelpCentreAdmin(admin.ModelAdmin[HelpCentre]):
    fields = ["is_on", "public_page", "chat", "contacts"]
    readonly_fields = ["public_page"]

    @admin.display(description=gettext_lazy("public page"))
    def public_page(self, centre: HelpCentre) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', reverse("help_centre:start"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one row: its page, made with the first look."""
        HelpCentre.objects.get_or_create(id=1)
        return self.change_view(request, "1", extra_context=extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: HelpCentre | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: HelpCentre, form: Any, change: bool) -> None:
        services.save_help_centre(is_on=obj.is_on, chat_id=obj.chat_id, contacts=obj.contacts)


@admin.register(Category, site=tenant_admin)
class CategoryAdmin(admin.ModelAdmin[Category]):
    form = CategoryForm
    list_display = ["__str__", "name_ru", "name_en", "position"]
    list_editable = ["position"]
    ordering = ["position", "id"]

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        names = {"name_ru": obj.name_ru, "name_en": obj.name_en}
        obj.pk = services.save_category(obj.pk, **names, position=obj.position).pk


@admin.register(Article, site=tenant_admin)
class ArticleAdmin(admin.ModelAdmin[Article]):
    form = ArticleForm
    list_display = ["__str__", "language", "category", "is_published", "helped", "helped_not", "revised_at"]
    list_filter = ["is_published", "language", "category"]
    list_select_related = ["document", "category"]
    search_fields = ["document__title", "slug"]
    ordering = ["category__position", "position", "id"]
    actions = ["publish_selected", "unpublish_selected"]
    change_form_template = "help_centre/admin/article.html"
    fields = ["document", "language", "category", "translation", "slug", "position"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        live = super().get_queryset(request).exclude(document__state=Document.State.DELETING)
        return live.annotate(
            yes=Count("votes", filter=Q(votes__is_helpful=True)), no=Count("votes", filter=Q(votes__is_helpful=False))
        )

    @admin.display(description=gettext_lazy("helped"), ordering="yes")
    def helped(self, article: Article) -> int:
        return int(getattr(article, "yes", 0))

    @admin.display(description=gettext_lazy("did not help"), ordering="no")
    def helped_not(self, article: Article) -> int:
        return int(getattr(article, "no", 0))

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> Any:
        return ["document"] if obj else []

    def get_form(self, request: HttpRequest, obj: Article | None = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["fields"] = ["language", "category", "slug", "position", *([] if obj else ["document"])]
        return super().get_form(request, obj, change=change, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Article:
        super().save_form(request, form, change)
        saved: Article = form.saved
        return saved

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        """The form has asked the service already."""

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<int:article_id>/preview/<str:language>/",
                self.admin_site.admin_view(require_safe(self.preview_view)),
                name="help_centre_article_preview",
            )
        ]
        return own + super().get_urls()

    def preview_view(self, request: HttpRequest, article_id: int, language: str) -> HttpResponse:
        """As readers would see it."""
        article = services.get_article(article_id)
        language = article.language if language not in {"ru", "en"} else language
        with translation.override(language):
            page = article_page(article, language, queries.versions_of(article))
            page.context["is_preview"] = True
            body = render_page(page, language, queries.find_help_centre(), tenant_of(request), request.path)
        return html_response(body, language)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        words = (
            Vote.objects.filter(article_id=object_id).exclude(comment="")
            if object_id.isdecimal()
            else Vote.objects.none()
        )
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "comments": words.order_by("-updated_at")[:50]}
        )

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        """The buttons beside “Save”: what was changed in the form is saved by them, too."""
        if "_publish" in request.POST:
            services.publish_article(obj.pk, user=_actor(request))
            _tell_if_closed(request)
        elif "_unpublish" in request.POST:
            services.unpublish_article(obj.pk, user=_actor(request))
        else:
            return super().response_change(request, obj)
        return HttpResponseRedirect(request.path)

    def response_add(self, request: HttpRequest, obj: Article, post_url_continue: str | None = None) -> HttpResponse:
        """To its own page, where it is looked at and published."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:help_centre_article_change", args=[obj.pk]))

    @admin.action(description=gettext_lazy("Publish"))
    def publish_selected(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for article_id in ids:
            services.publish_article(article_id, user=_actor(request))
        told = ngettext("%(n)d article is published.", "%(n)d articles are published.", len(ids))
        messages.success(request, told % {"n": len(ids)})
        _tell_if_closed(request)

    @admin.action(description=gettext_lazy("Take back from the readers"))
    def unpublish_selected(self, request: HttpRequest, queryset: QuerySet[Article]) -> None:
        ids = list(queryset.values_list("id", flat=True))
        for article_id in ids:
            services.unpublish_article(article_id, user=_actor(request))
        told = ngettext("%(n)d article is taken back.", "%(n)d articles are taken back.", len(ids))
        messages.success(request, told % {"n": len(ids)})


@admin.register(Vote, site=tenant_admin)
class VoteAdmin(ReadOnlyAdmin):
    list_display = ["article", "is_helpful", "comment", "updated_at"]
    list_filter = ["is_helpful", ("comment", admin.EmptyFieldListFilter)]
    list_select_related = ["article__document"]
    search_fields = ["comment"]
    ordering = ["-updated_at"]
    fields = ["article", "is_helpful", "comment", "updated_at"]


@admin.register(MissedSearch, site=tenant_admin)
class MissedSearchAdmin(ReadOnlyAdmin):
    list_display = ["text", "language", "count", "last_at", "write"]
    list_filter = ["language"]
    search_fields = ["text"]
    ordering = ["-count", "-last_at"]

    @admin.display(description=gettext_lazy("action"))
    def write(self, search: MissedSearch) -> SafeString:
        url = f"{reverse('admin:knowledge_article_new')}?{urlencode({'title': search.text})}"
        return format_html('<a href="{}">{}</a>', url, _("Write an article"))


def _tell_if_closed(request: HttpRequest) -> None:
    if not queries.find_help_centre().is_on:
        messages.warning(request, _("Readers see nothing yet: the help centre is not open."))


def _actor(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
