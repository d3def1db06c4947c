"""REST: the assistant's tools, and what it would learn from solved conversations. For admins."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from ai_assistant.models import LearnedAnswer, Tool
from ai_assistant.services import learning
from ai_assistant.services.tools import ToolCall, delete_tool, run_tool, save_tool
from ai_assistant.tasks import run_saved_questions
from ai_assistant.tool_schema import checked_arguments, clean_parameters, read_parameters
from knowledge.tasks import ingest_document_task
from omnisupport.lib.api import NewestFirstPagination
from tenants.accounts.models import User
from tenants.accounts.permissions import IsAdmin
from tenants.tasking import wake


class SeenFieldSerializer(serializers.Serializer[Any]):
    path = serializers.CharField(max_length=200)

    # `label` is a word of every serializer.
    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "label": serializers.CharField(max_length=80)}


class ToolSerializer(serializers.ModelSerializer[Tool]):
    id = serializers.CharField(read_only=True)
    headers = serializers.DictField(
        child=serializers.CharField(max_length=1000), write_only=True, required=False,
        help_text="Kept encrypted and never shown again; left out, the stored ones stay.",
    )  # fmt: skip
    header_names = serializers.SerializerMethodField()
    parameters = serializers.DictField(
        required=False,
        help_text="JSON Schema of the arguments; `source` is filled in from what is proven of the customer.",
    )

    class Meta:
        model = Tool
        fields = [
            "id", "name", "title", "description", "method", "url", "headers", "header_names", "parameters", "fields",
            "timeout", "needs_verified", "changes_something", "not_found_text", "is_active",
        ]  # fmt: skip
        # A name that is taken is told by the service, like everywhere.
        extra_kwargs: ClassVar[dict[str, dict[str, Any]]] = {"name": {"validators": []}}

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "fields": SeenFieldSerializer(many=True, allow_empty=False)}

    def get_header_names(self, tool: Tool) -> list[str]:
        return sorted(tool.headers)

    def validate_parameters(self, value: Any) -> dict[str, Any]:
        return clean_parameters(value)


class TrialSerializer(serializers.Serializer[Any]):
    arguments = serializers.DictField(required=False, default=dict)


class TrialResultSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["done", "not_found", "failed", "uncertain"])
    text = serializers.CharField(help_text="What the model would see of the answer.")
    status = serializers.IntegerField(allow_null=True)
    ms = serializers.IntegerField()
    message = serializers.CharField()


class ByIdPagination(NewestFirstPagination):
    ordering = "-id"


@extend_schema_view(
    list=extend_schema(summary="The assistant's tools, newest first"), retrieve=extend_schema(summary="One tool")
)
class ToolViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Tool]
):
    queryset = Tool.objects.all()
    serializer_class = ToolSerializer
    permission_classes = [IsAdmin]
    pagination_class = ByIdPagination
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Give the assistant a tool", responses={201: ToolSerializer})
    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a tool")
    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, self.get_object()))

    def _save(self, request: Request, tool: Tool | None) -> Any:
        serializer = self.get_serializer(tool, data=request.data, partial=tool is not None)
        serializer.is_valid(raise_exception=True)
        saved = save_tool(tool, **serializer.validated_data)
        wake(run_saved_questions)
        return self.get_serializer(saved).data

    def perform_destroy(self, instance: Tool) -> None:
        delete_tool(instance)
        wake(run_saved_questions)

    @extend_schema(summary="Call it with arguments of yours", request=TrialSerializer, responses=TrialResultSerializer)
    @action(detail=True, methods=["post"], url_path="try")
    def trial(self, request: Request, pk: str) -> Response:
        tool = self.get_object()
        serializer = TrialSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        arguments = checked_arguments(read_parameters(tool.parameters), serializer.validated_data["arguments"])
        return Response(TrialResultSerializer(run_tool(ToolCall(tool, arguments))).data)


class LearnedAnswerSerializer(serializers.ModelSerializer[LearnedAnswer]):
    id = serializers.CharField(read_only=True)
    ticket = serializers.CharField(source="ticket_id", read_only=True)

    class Meta:
        model = LearnedAnswer
        fields = ["id", "ticket", "state", "question", "text", "created_at", "decided_at"]
        read_only_fields = fields


class ApprovalSerializer(serializers.Serializer[Any]):
    """What was proposed, as it is to be kept."""

    questions = serializers.ListField(child=serializers.CharField(max_length=500), allow_empty=False, max_length=20)
    text = serializers.CharField(max_length=4000)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {**super().get_fields(), "as": serializers.ChoiceField(choices=["custom_answer", "article"])}


@extend_schema_view(
    list=extend_schema(summary="What was learned from solved conversations, newest first"),
    retrieve=extend_schema(summary="One of them"),
)
class LearnedAnswerViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[LearnedAnswer]):
    queryset = LearnedAnswer.objects.exclude(state=LearnedAnswer.State.NEW)
    serializer_class = LearnedAnswerSerializer
    permission_classes = [IsAdmin]
    pagination_class = ByIdPagination
    filterset_fields = ["state"]
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Keep it as a custom answer or an article", request=ApprovalSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        serializer = ApprovalSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        given = {"questions": data["questions"], "text": data["text"], "user": _signed_in(request)}
        if data["as"] == "article":
            wake(ingest_document_task, str(learning.approve_as_article(self.get_object().id, **given)))
        else:
            learning.approve_as_custom(self.get_object().id, **given)
            wake(run_saved_questions)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Reject it; nothing like it is proposed again", request=None)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        learning.reject(self.get_object().id, _signed_in(request))
        return Response(self.get_serializer(self.get_object()).data)


def _signed_in(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def register(router: DefaultRouter) -> None:
    router.register("assistant-tools", ToolViewSet, basename="assistant-tool")
    router.register("learned-answers", LearnedAnswerViewSet, basename="learned-answer")
