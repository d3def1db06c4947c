"""REST: the published articles of the help centre, for agents and integrations."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from knowledge.help_centre.models import Article
from knowledge.help_centre.queries import article_path, published_articles
from knowledge.services.articles import article_text
from omnisupport.lib.api import NewestFirstPagination
from tenants.accounts.permissions import IsAgent
from tenants.names import url_for_host


class HelpArticleSerializer(serializers.ModelSerializer[Article]):
    id = serializers.CharField(read_only=True)
    title = serializers.CharField(source="document.title", read_only=True)
    category = serializers.CharField(source="category.slug", read_only=True, allow_null=True, default=None)
    url = serializers.SerializerMethodField(help_text="Of its public page; open while the help centre is on.")
    pair = serializers.UUIDField(read_only=True, help_text="The same in both languages of one article.")

    class Meta:
        model = Article
        fields = [
            "id",
            "document",
            "title",
            "language",
            "pair",
            "category",
            "slug",
            "url",
            "published_at",
            "revised_at",
        ]
        read_only_fields = fields

    def get_url(self, article: Article) -> str:
        tenant = self.context["request"].tenant
        return url_for_host(tenant.primary_host) + article_path(article)


class WholeHelpArticleSerializer(HelpArticleSerializer):
    text = serializers.SerializerMethodField(help_text="Markdown")

    class Meta(HelpArticleSerializer.Meta):
        fields = [*HelpArticleSerializer.Meta.fields, "text"]
        read_only_fields = fields

    def get_text(self, article: Article) -> str:
        return article_text(article.document)


class HelpArticlePagination(NewestFirstPagination):
    ordering = "-id"


@extend_schema_view(list=extend_schema(summary="Published articles of the help centre, newest first"))
class HelpArticleViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Article]):
    queryset = Article.objects.none()
    serializer_class = HelpArticleSerializer
    permission_classes = [IsAgent]
    pagination_class = HelpArticlePagination
    filterset_fields = ["language", "category"]
    lookup_value_regex = r"[0-9]{1,18}"

    def get_queryset(self) -> QuerySet[Article]:
        return published_articles()

    @extend_schema(summary="One published article with its text", responses=WholeHelpArticleSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        shown: Any = WholeHelpArticleSerializer(self.get_object(), context=self.get_serializer_context())
        return Response(shown.data)


def register(router: DefaultRouter) -> None:
    router.register("help-articles", HelpArticleViewSet, basename="help-article")
