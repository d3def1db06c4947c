"""REST: a question to the assistant, answered by the whole road without side effects; suggested replies; custom answers."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

from ai_assistant.answer_text import MARK
from ai_assistant.models import Answer, CustomAnswer
from ai_assistant.services.custom_answers import MOST_VARIANTS, delete_custom_answer, save_custom_answer, set_file
from ai_assistant.services.suggesting import note_draft
from ai_assistant.tasks import ask_in_worker, run_saved_questions
from omnisupport.lib.api import NewestFirstPagination
from tenants.accounts.models import User
from tenants.accounts.permissions import AgentReadsAdminWrites, IsAgent
from tenants.tasking import wake
from tickets.rights import about_visible


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=4000)
    language = serializers.ChoiceField(choices=["ru", "en"], required=False)


ANSWER = inline_serializer(
    "AskAnswer",
    {
        "outcome": serializers.ChoiceField(choices=["answered", "handed_over"]),
        "reason": serializers.CharField(),
        "text": serializers.CharField(),
        "citations": serializers.ListField(child=serializers.DictField()),
        "passages": serializers.ListField(child=serializers.DictField()),
        "confidence": serializers.FloatField(allow_null=True),
        "provider": serializers.CharField(),
        "model": serializers.CharField(),
        "checks": serializers.ListField(child=serializers.DictField()),
        "usage": serializers.DictField(),
        "timings": serializers.DictField(),
        "custom_answer_id": serializers.IntegerField(allow_null=True),
        "asked": serializers.ListField(child=serializers.DictField()),
        "cost": serializers.FloatField(allow_null=True),
        "tool_calls": serializers.ListField(child=serializers.DictField()),
    },
)


class AskView(APIView):
    permission_classes = [IsAgent]

    @extend_schema(summary="Ask the assistant", request=QuestionSerializer, responses=ANSWER)
    def post(self, request: Request) -> Response:
        serializer = QuestionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        return Response(ask_in_worker(data["question"], data.get("language", "")))


class SuggestionSerializer(serializers.ModelSerializer[Answer]):
    ticket = serializers.CharField(source="ticket_id", read_only=True)
    question_message = serializers.CharField(source="question_message_id", read_only=True)
    text = serializers.SerializerMethodField(help_text="Without the numbers of sources; empty: nothing to suggest.")
    sources = serializers.SerializerMethodField()
    draft = serializers.ChoiceField(
        choices=Answer.Draft.choices, help_text="What was made of it; empty: it still lies there."
    )

    class Meta:
        model = Answer
        fields = ["id", "ticket", "question_message", "question", "text", "sources", "reason", "draft", "created_at"]
        read_only_fields = ["id", "question", "reason", "created_at"]

    def get_text(self, answer: Answer) -> str:
        return MARK.sub("", answer.text)

    def get_sources(self, answer: Answer) -> list[dict[str, Any]]:
        return [passage for passage in answer.passages if passage.get("used")]


class SuggestionPagination(NewestFirstPagination):
    ordering = "-created_at"


@extend_schema_view(
    list=extend_schema(summary="Replies suggested to agents, newest first"),
    retrieve=extend_schema(summary="One suggested reply"),
)
class SuggestionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Answer]):
    queryset = Answer.objects.filter(outcome=Answer.Outcome.SUGGESTED).defer("prompt")
    serializer_class = SuggestionSerializer
    permission_classes = [IsAgent]
    pagination_class = SuggestionPagination
    filterset_fields = {"ticket_id": ["exact"], "draft": ["exact"]}
    lookup_value_regex = r"[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Answer]:
        # The description of the API is made without anybody.
        user = self.request.user if isinstance(self.request.user, User) else User()
        return self.queryset.filter(about_visible(user))

    @extend_schema(summary="Say what was made of it: inserted or discarded")
    def partial_update(self, request: Request, pk: str) -> Response:
        assert isinstance(request.user, User)
        answer = self.get_object()
        serializer = self.get_serializer(answer, data=request.data)
        serializer.is_valid(raise_exception=True)
        note_draft(answer, draft=serializer.validated_data["draft"], user=request.user)
        return Response(self.get_serializer(self.get_object()).data)


class CustomAnswerSerializer(serializers.ModelSerializer[CustomAnswer]):
    id = serializers.CharField(read_only=True)
    questions = serializers.ListField(
        child=serializers.CharField(max_length=500),
        max_length=MOST_VARIANTS,
        help_text="The ways in which it is asked.",
    )

    class Meta:
        model = CustomAnswer
        fields = ["id", "questions", "text", "file_name", "is_active", "uses", "last_used_at", "created_at"]
        read_only_fields = ["file_name", "uses", "last_used_at", "created_at"]


class FileSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True)


class CustomAnswerPagination(NewestFirstPagination):
    ordering = "-id"


@extend_schema_view(
    list=extend_schema(summary="Custom answers, newest first"), retrieve=extend_schema(summary="One custom answer")
)
class CustomAnswerViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[CustomAnswer],
):
    queryset = CustomAnswer.objects.all()
    serializer_class = CustomAnswerSerializer
    permission_classes = [AgentReadsAdminWrites]
    pagination_class = CustomAnswerPagination
    filterset_fields = ["is_active"]
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Write a custom answer", responses={201: CustomAnswerSerializer})
    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a custom answer")
    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, self.get_object()))

    def _save(self, request: Request, custom: CustomAnswer | None) -> Any:
        assert isinstance(request.user, User)
        serializer = self.get_serializer(custom, data=request.data, partial=custom is not None)
        serializer.is_valid(raise_exception=True)
        known = {name: getattr(custom, name) for name in ("questions", "text", "is_active")} if custom else {}
        saved = save_custom_answer(custom, **{**known, **serializer.validated_data}, user=request.user)
        wake(run_saved_questions)
        return self.get_serializer(saved).data

    @extend_schema(
        methods=["put"], summary="The file that goes with it", request=FileSerializer, responses=CustomAnswerSerializer
    )
    @extend_schema(methods=["delete"], summary="Take its file away", responses={204: None})
    @action(detail=True, methods=["put", "delete"], parser_classes=[MultiPartParser])
    def file(self, request: Request, pk: str) -> Response:
        custom = self.get_object()
        if request.method == "DELETE":
            set_file(custom, None)
            return Response(status=status.HTTP_204_NO_CONTENT)
        serializer = FileSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        set_file(custom, serializer.validated_data["file"])
        return Response(self.get_serializer(custom).data)

    def perform_destroy(self, instance: CustomAnswer) -> None:
        delete_custom_answer(instance)
        wake(run_saved_questions)


def register(router: DefaultRouter) -> None:
    router.register("custom-answers", CustomAnswerViewSet, basename="custom-answer")
    router.register("suggestions", SuggestionViewSet, basename="suggestion")
