"""REST: groups of words that mean the same in this workspace."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from knowledge.models import Synonyms
from knowledge.services import synonyms
from omnisupport.lib.api import NewestFirstPagination
from tenants.accounts.permissions import AgentReadsAdminWrites


class SynonymsPagination(NewestFirstPagination):
    ordering = "-id"


class SynonymsSerializer(serializers.ModelSerializer[Synonyms]):
    id = serializers.CharField(read_only=True)
    phrases = serializers.ListField(
        child=serializers.CharField(max_length=synonyms.MAX_LENGTH),
        max_length=synonyms.MAX_PHRASES,
        help_text="Two or more words or phrases that mean the same.",
    )

    class Meta:
        model = Synonyms
        fields = ["id", "phrases", "created_at"]
        read_only_fields = ["created_at"]


@extend_schema_view(
    list=extend_schema(summary="Groups of synonyms, newest first"),
    retrieve=extend_schema(summary="One group of synonyms"),
)
class SynonymsViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Synonyms]):
    queryset = Synonyms.objects.all()
    serializer_class = SynonymsSerializer
    permission_classes = [AgentReadsAdminWrites]
    pagination_class = SynonymsPagination
    lookup_value_regex = r"[0-9]{1,18}"

    @extend_schema(summary="Add a group of synonyms", request=SynonymsSerializer, responses={201: SynonymsSerializer})
    def create(self, request: Request) -> Response:
        group = synonyms.save_synonyms(self._phrases(request))
        return Response(self.get_serializer(group).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a group of synonyms", request=SynonymsSerializer, responses=SynonymsSerializer)
    def update(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(synonyms.save_synonyms(self._phrases(request), int(pk))).data)

    @extend_schema(summary="Remove a group of synonyms")
    def destroy(self, request: Request, pk: str) -> Response:
        synonyms.delete_synonyms(int(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _phrases(self, request: Request) -> Any:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data["phrases"]
