"""REST: contacts and companies out of CSV files, for admins."""

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from omnisupport.lib.api import StrictJSONParser
from omnisupport.lib.errors import InvalidInput
from omnisupport.lib.sheets import write_rows
from tenants.accounts.permissions import IsAdmin
from tenants.tasking import wake
from tickets.api import actor
from tickets.models import ContactImport
from tickets.services import importing
from tickets.tasks import read_imports


class ImportSerializer(serializers.ModelSerializer[ContactImport]):
    id = serializers.CharField(read_only=True)
    header = serializers.ListField(source="shape.header", child=serializers.CharField(), read_only=True)
    total = serializers.IntegerField(source="shape.rows", read_only=True)
    columns = serializers.DictField(
        child=serializers.CharField(), read_only=True, help_text="What a column is, by its place from 0."
    )
    refused = serializers.ListField(
        child=serializers.DictField(), read_only=True, help_text="{row, why}, a thousand at most."
    )
    user = serializers.UUIDField(source="user_id", read_only=True, allow_null=True)

    class Meta:
        model = ContactImport
        fields = [
            "id", "kind", "name", "state", "header", "columns", "total", "done", "made", "changed", "refused", "user",
            "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class NewImportSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="CSV; its encoding and separator are found out.")
    kind = serializers.ChoiceField(choices=ContactImport.Kind.choices, default=ContactImport.Kind.CONTACTS)


class ColumnsSerializer(serializers.Serializer[Any]):
    """Without `columns` those that were guessed hold."""

    columns = serializers.DictField(child=serializers.CharField(max_length=100), required=False)


@extend_schema_view(
    list=extend_schema(summary="Admins: imports, newest first"),
    retrieve=extend_schema(summary="Admins: how far one is"),
)
class ImportViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ContactImport]):
    queryset = ContactImport.objects.all()
    serializer_class = ImportSerializer
    permission_classes = [IsAdmin]
    parser_classes = [MultiPartParser, StrictJSONParser]
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(
        summary="Admins: upload a CSV file of contacts or companies",
        description="Nothing is read yet: `columns` says what its columns were taken for; `begin/` starts it.",
        request={"multipart/form-data": NewImportSerializer},
        responses={201: ImportSerializer},
    )
    def create(self, request: Request) -> Response:
        serializer = NewImportSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        file, kind = serializer.validated_data["file"], serializer.validated_data["kind"]
        raw = file.read(importing.MOST_BYTES + 1)
        made = importing.upload_import(name=file.name or "", raw=raw, kind=kind, user=actor(request))
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Admins: read it",
        description="A task does it; follow `state`, `done` and `refused`. `columns` by place: of contacts `name email phone"
        " external_id company language notes`, of companies `name domain notes`, of both `attribute:<key>` of a custom field.",
        request=ColumnsSerializer,
        responses={202: ImportSerializer},
    )
    @action(detail=True, methods=["post"])
    def begin(self, request: Request, pk: str) -> Response:
        found = self.get_object()
        serializer = ColumnsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        columns = serializer.validated_data.get("columns", found.columns)
        unknown = set(columns.values()) - set(importing.targets_of(found.kind))
        if unknown or not set(columns) <= {str(place) for place in range(len(found.shape["header"]))}:
            raise InvalidInput(_("The file has no such column, or it cannot be this."), field="columns")
        begun = importing.begin_import(found.id, columns=columns, user=actor(request))
        wake(read_imports)
        return Response(self.get_serializer(begun).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        operation_id="contact_imports_refused",
        summary="Admins: the rows that were not taken, as CSV with the reason before each",
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    @action(detail=True, url_path="refused.csv", url_name="refused")
    def refused(self, request: Request, pk: str) -> HttpResponse:
        found = self.get_object()
        answer = HttpResponse(write_rows(importing.refused_rows(found)), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="refused-{found.id}.csv"'
        return answer


def register(router: DefaultRouter) -> None:
    router.register("contact-imports", ImportViewSet, basename="contact-import")
