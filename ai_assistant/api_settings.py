"""REST: how the assistant behaves, and what it does not speak of. For admins."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.views import APIView

from ai_assistant.models import Assistant, ForbiddenTopic
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.publishing import submit_settings, waiting_draft
from ai_assistant.services.topics import MOST_PHRASES, delete_topic, save_topic
from ai_assistant.tasks import run_saved_questions
from omnisupport.lib.api import NewestFirstPagination
from tenants.accounts.models import User
from tenants.accounts.permissions import IsAdmin
from tenants.tasking import wake


class AssistantSerializer(serializers.ModelSerializer[Assistant]):
    min_confidence = serializers.FloatField(min_value=0.2, max_value=1.0, required=False)
    waits = serializers.SerializerMethodField(
        help_text="Settings that were saved make test questions worse, or are still being tried; these are the published ones."
    )

    class Meta:
        model = Assistant
        fields = [
            "is_active",
            "provider",
            "persona",
            "tone",
            "guidance",
            "language",
            "greeting",
            "max_turns",
            "cooldown_minutes",
            "min_confidence",
            "holds_back",
            "waits",
        ]
        read_only_fields = ["provider"]

    def get_waits(self, _assistant: Assistant) -> bool:
        return waiting_draft() is not None


class AssistantView(APIView):
    permission_classes = [IsAdmin]

    @extend_schema(summary="The assistant's settings, without its keys", responses=AssistantSerializer)
    def get(self, request: Request) -> Response:
        return Response(AssistantSerializer(ensure_assistant()).data)

    @extend_schema(
        summary="Change how it behaves; its model and keys are set on its page",
        request=AssistantSerializer,
        responses=AssistantSerializer,
    )
    def patch(self, request: Request) -> Response:
        assistant = ensure_assistant()
        serializer = AssistantSerializer(assistant, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        submit_settings(changes=serializer.validated_data, user=_signed_in(request))
        wake(run_saved_questions)
        return Response(AssistantSerializer(ensure_assistant()).data)


def _signed_in(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


class TopicSerializer(serializers.ModelSerializer[ForbiddenTopic]):
    id = serializers.CharField(read_only=True)
    phrases = serializers.ListField(child=serializers.CharField(max_length=200), max_length=MOST_PHRASES)

    class Meta:
        model = ForbiddenTopic
        fields = ["id", "name", "phrases", "answer"]


class TopicPagination(NewestFirstPagination):
    ordering = "-id"


@extend_schema_view(
    list=extend_schema(summary="Forbidden topics, newest first"), retrieve=extend_schema(summary="One forbidden topic")
)
class TopicViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[ForbiddenTopic],
):
    queryset = ForbiddenTopic.objects.all()
    serializer_class = TopicSerializer
    permission_classes = [IsAdmin]
    pagination_class = TopicPagination
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Forbid a topic; without an answer a person is called", responses={201: TopicSerializer})
    def create(self, request: Request) -> Response:
        return Response(self._save(request, None), status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a forbidden topic")
    def partial_update(self, request: Request, pk: str) -> Response:
        return Response(self._save(request, self.get_object()))

    def _save(self, request: Request, topic: ForbiddenTopic | None) -> Any:
        serializer = self.get_serializer(topic, data=request.data, partial=topic is not None)
        serializer.is_valid(raise_exception=True)
        known = {name: getattr(topic, name) for name in ("name", "phrases", "answer")} if topic else {}
        saved = save_topic(topic, **{**known, **serializer.validated_data})
        wake(run_saved_questions)
        return self.get_serializer(saved).data

    def perform_destroy(self, instance: ForbiddenTopic) -> None:
        delete_topic(instance)
        wake(run_saved_questions)


def register(router: DefaultRouter) -> None:
    router.register("forbidden-topics", TopicViewSet, basename="forbidden-topic")
