"""REST: documents of the knowledge base, and search in it. Agents read and search, admins write."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from knowledge.api_synonyms import SynonymsViewSet
from knowledge.models import Chunk, Document, Source, SourcePage
from knowledge.remote import search_in_worker
from knowledge.search import MAX_LIMIT, MAX_QUERY
from knowledge.services import articles, documents, sources
from knowledge.tasks import delete_vectors_task, ingest_document_task, visit_source_task
from omnisupport.lib.api import NewestFirstPagination, StrictJSONParser
from omnisupport.lib.errors import InvalidInput
from tenants.accounts.models import User
from tenants.accounts.permissions import AgentReadsAdminWrites, IsAgent
from tenants.tasking import wake


class DocumentSerializer(serializers.ModelSerializer[Document]):
    error = serializers.SerializerMethodField(help_text="null, or {code, message}")

    class Meta:
        model = Document
        fields = [
            "id", "title", "origin", "url", "filename", "kind", "size", "sha256", "language", "pages", "version",
            "chunk_count", "state", "done", "total", "error", "created_by", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_error(self, document: Document) -> dict[str, str] | None:
        return {"code": document.error, "message": document.message} if document.error else None


class NewDocumentSerializer(serializers.Serializer[Any]):
    """One of: a file (multipart), the address of a page, the Markdown of an article (with a title)."""

    file = serializers.FileField(required=False, allow_empty_file=True)
    url = serializers.CharField(required=False, max_length=2000)
    text = serializers.CharField(required=False, max_length=articles.MAX_CHARACTERS)
    title = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class ArticleSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=300)
    text = serializers.CharField(max_length=articles.MAX_CHARACTERS, help_text="Markdown.")


class ReplacementSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class ChunkSerializer(serializers.ModelSerializer[Chunk]):
    id = serializers.CharField(read_only=True)

    class Meta:
        model = Chunk
        fields = ["id", "number", "heading_path", "text", "page", "anchor", "tokens", "language"]
        read_only_fields = fields


class DocumentPagination(NewestFirstPagination):
    ordering = "-created_at"


class ChunkPagination(NewestFirstPagination):
    ordering = "number"


class PagePagination(NewestFirstPagination):
    ordering = "id"


@extend_schema_view(
    list=extend_schema(summary="Documents, newest first"), retrieve=extend_schema(summary="One document with its state")
)
class DocumentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Document]):
    queryset = Document.objects.all()
    serializer_class = DocumentSerializer
    permission_classes = [AgentReadsAdminWrites]
    pagination_class = DocumentPagination
    parser_classes = [MultiPartParser, StrictJSONParser]
    filterset_fields = ["state", "kind", "origin", "language"]
    lookup_value_regex = r"[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Document]:
        return Document.objects.exclude(state=Document.State.DELETING)

    @extend_schema(
        summary="Add a file (PDF, DOCX, XLSX, PPTX, CSV, HTML, TXT, Markdown), a page by its address, or an article",
        description="201 for a new document, 200 when the same content or address is there already.",
        request=NewDocumentSerializer,
        responses={200: DocumentSerializer, 201: DocumentSerializer},
    )
    def create(self, request: Request) -> Response:
        data = _checked(NewDocumentSerializer, request)
        if sum(name in data for name in ("file", "url", "text")) != 1:
            raise InvalidInput(_("Give one of these: a file, an address, a text."), field="file")
        if "text" in data:
            document, is_new = articles.write_article(data["title"], data["text"], user=_actor(request)), True
        elif "file" in data:
            upload = data["file"]
            document, is_new = documents.add_document(
                upload, filename=upload.name, user=_actor(request), title=data["title"]
            )
        else:
            document, is_new = documents.add_url(data["url"], user=_actor(request), title=data["title"])
        wake(ingest_document_task, str(document.id))
        shown = self.get_serializer(document).data
        return Response(shown, status=status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(summary="Delete a document with its file and vectors")
    def destroy(self, request: Request, pk: str) -> Response:
        documents.delete_document(_uuid(pk), user=_actor(request))
        wake(delete_vectors_task, pk)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Replace the file; the old version is found until the new one is indexed",
        request=ReplacementSerializer,
        responses={202: DocumentSerializer},
    )
    @action(detail=True, methods=["post"])
    def replace(self, request: Request, pk: str) -> Response:
        upload = _checked(ReplacementSerializer, request)["file"]
        document = documents.replace_document(_uuid(pk), upload, filename=upload.name, user=_actor(request))
        return self._ingest(document)

    @extend_schema(methods=["get"], summary="The Markdown of an article", responses={200: ArticleSerializer})
    @extend_schema(
        methods=["put"],
        summary="Change an article; the old version is found until the new one is indexed",
        request=ArticleSerializer,
        responses={202: DocumentSerializer},
    )
    @action(detail=True, methods=["get", "put"])
    def article(self, request: Request, pk: str) -> Response:
        if request.method == "PUT":
            data = _checked(ArticleSerializer, request)
            return self._ingest(articles.write_article(**data, user=_actor(request), document_id=_uuid(pk)))
        document = articles.get_article(_uuid(pk))
        return Response({"title": document.title, "text": articles.article_text(document)})

    @extend_schema(summary="Read (a page: fetch) and index again", request=None, responses={202: DocumentSerializer})
    @action(detail=True, methods=["post"])
    def reindex(self, request: Request, pk: str) -> Response:
        return self._ingest(documents.reindex_document(_uuid(pk), user=_actor(request)))

    def _ingest(self, document: Document) -> Response:
        wake(ingest_document_task, str(document.id))
        return Response(self.get_serializer(document).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="The passages of a document", responses={200: ChunkSerializer(many=True)}, filters=False)
    @action(detail=True, methods=["get"], filterset_fields=[])
    def chunks(self, request: Request, pk: str) -> Response:
        document = documents.get_document(_uuid(pk))
        paginator = ChunkPagination()
        rows = Chunk.objects.filter(document=document, version=document.version)
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(ChunkSerializer(page, many=True).data)


class SourceSerializer(serializers.ModelSerializer[Source]):
    error = serializers.SerializerMethodField(help_text="null, or {code, message}")

    class Meta:
        model = Source
        fields = [
            "id", "url", "max_pages", "max_depth", "state", "done", "total", "error", "synced_at", "created_by", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_error(self, source: Source) -> dict[str, str] | None:
        return {"code": source.error, "message": source.message} if source.error else None


class NewSourceSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(max_length=2000, help_text="Of a site or of its sitemap.")
    max_pages = serializers.IntegerField(required=False, default=200, min_value=1, max_value=sources.MAX_PAGES)
    max_depth = serializers.IntegerField(required=False, default=3, min_value=0, max_value=sources.MAX_DEPTH)


class SourcePageSerializer(serializers.ModelSerializer[SourcePage]):
    id = serializers.CharField(read_only=True)
    error = serializers.SerializerMethodField(help_text="null, or {code, message}")

    class Meta:
        model = SourcePage
        fields = ["id", "url", "state", "error", "document", "visited_at"]
        read_only_fields = fields

    def get_error(self, page: SourcePage) -> dict[str, str] | None:
        return {"code": page.error, "message": page.message} if page.error else None


@extend_schema_view(
    list=extend_schema(summary="Sites whose pages are documents, newest first"),
    retrieve=extend_schema(summary="One site with its state"),
)
class SourceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Source]):
    queryset = Source.objects.all()
    serializer_class = SourceSerializer
    permission_classes = [AgentReadsAdminWrites]
    pagination_class = DocumentPagination
    filterset_fields = ["state"]
    lookup_value_regex = r"[0-9a-fA-F-]{36}"

    @extend_schema(
        summary="Add a site or sitemap; its pages are read now and then every day",
        description="201 for a new site, 200 when the address is there already: its limits are set and it is read again.",
        request=NewSourceSerializer,
        responses={200: SourceSerializer, 201: SourceSerializer},
    )
    def create(self, request: Request) -> Response:
        source, is_new = sources.add_source(**_checked(NewSourceSerializer, request), user=_actor(request))
        return self._visit(source, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(summary="Remove a site with all its documents")
    def destroy(self, request: Request, pk: str) -> Response:
        for document_id in sources.delete_source(_uuid(pk), user=_actor(request)):
            wake(delete_vectors_task, str(document_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Read the site again now", request=None, responses={202: SourceSerializer})
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, pk: str) -> Response:
        return self._visit(sources.request_visit(_uuid(pk), user=_actor(request)), status.HTTP_202_ACCEPTED)

    def _visit(self, source: Source, code: int) -> Response:
        wake(visit_source_task, str(source.id))
        return Response(self.get_serializer(source).data, status=code)

    @extend_schema(
        summary="The pages of a site and what the last reading brought",
        responses={200: SourcePageSerializer(many=True)},
        filters=False,
    )
    @action(detail=True, methods=["get"], filterset_fields=[])
    def pages(self, request: Request, pk: str) -> Response:
        paginator = PagePagination()
        rows = SourcePage.objects.filter(source=sources.get_source(_uuid(pk)))
        page = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(SourcePageSerializer(page, many=True).data)


class PassageSerializer(serializers.Serializer[Any]):
    chunk_id = serializers.CharField()
    document_id = serializers.UUIDField()
    title = serializers.CharField()
    heading_path = serializers.CharField()
    page = serializers.IntegerField(allow_null=True)
    anchor = serializers.CharField()
    url = serializers.CharField()
    text = serializers.CharField()
    score = serializers.FloatField()


class SearchResultSerializer(serializers.Serializer[Any]):
    passages = PassageSerializer(many=True)
    confidence = serializers.FloatField(help_text="0 to 1; below the floor the answer is not in the documents.")
    relevant = serializers.BooleanField(source="is_relevant")
    legs = serializers.ListField(child=serializers.CharField())
    meaning = serializers.DictField(
        help_text="Who made the question's vector: `model`, `ms`, `tokens`, `cost`, `error`; empty where none is chosen."
    )
    repaired = serializers.DictField(
        child=serializers.CharField(), help_text="Words of the question as written, and as they were searched."
    )
    synonyms = serializers.ListField(child=serializers.CharField(), help_text="Groups of synonyms that were used.")
    timings = serializers.DictField(child=serializers.FloatField(), help_text="Milliseconds.")


class SearchQuerySerializer(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=MAX_QUERY)
    limit = serializers.IntegerField(required=False, default=8, min_value=1, max_value=MAX_LIMIT)
    document = serializers.ListField(child=serializers.UUIDField(), required=False)


class SearchViewSet(viewsets.ViewSet):
    permission_classes = [IsAgent]

    @extend_schema(
        summary="Passages that answer a question",
        parameters=[
            OpenApiParameter("q", str, required=True),
            OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}, default 8"),
            OpenApiParameter("document", UUID, many=True, description="Search in these documents only."),
        ],
        responses=SearchResultSerializer,
    )
    def list(self, request: Request) -> Response:
        query = SearchQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        result = search_in_worker(wanted["q"], wanted["limit"], document_ids=wanted.get("document"))
        return Response(SearchResultSerializer(result).data)


def _checked(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def _uuid(value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise InvalidInput(_("This is not the id of a document.")) from None


def _actor(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def register(router: DefaultRouter) -> None:
    router.register("documents", DocumentViewSet, basename="document")
    router.register("sources", SourceViewSet, basename="source")
    router.register("synonyms", SynonymsViewSet, basename="synonyms")
    router.register("search", SearchViewSet, basename="search")
