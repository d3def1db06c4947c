"""REST: what concerns the caller, and how they want to be told of it."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from tenants.accounts.models import User
from tenants.accounts.permissions import IsAgent
from tickets.notices import services
from tickets.notices.models import Kind, Notice, Way
from tickets.rights import visible_to


class NoticeSerializer(serializers.ModelSerializer[Notice]):
    """`title` and `text` are for people, in the caller's language: a name and what happened, never what was said."""

    id = serializers.CharField(read_only=True)
    ticket = serializers.CharField(source="ticket_id", read_only=True)
    number = serializers.CharField(source="ticket.number", read_only=True)
    event = serializers.CharField(source="event_id", read_only=True)
    title = serializers.SerializerMethodField()
    text = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = ["id", "kind", "ticket", "number", "event", "title", "text", "created_at", "seen_at"]
        read_only_fields = fields

    def get_title(self, notice: Notice) -> str:
        return services.words_of(notice)["title"]

    def get_text(self, notice: Notice) -> str:
        return services.words_of(notice)["text"]


class SeenSerializer(serializers.Serializer[Any]):
    """Of one ticket, or without it all."""

    ticket = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class UnseenSerializer(serializers.Serializer[Any]):
    unseen = serializers.IntegerField()


class WaysSerializer(serializers.Serializer[Any]):
    """By kind of notice; PATCH changes those that it names."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            kind: serializers.ListField(child=serializers.ChoiceField(choices=Way.choices), required=False)
            for kind in Kind.values
        }


class NoticeViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Notice]):
    """The caller's own, newest first."""

    queryset = Notice.objects.none()
    serializer_class = NoticeSerializer
    permission_classes = [IsAgent]

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Notice.objects.none()
        person = _person(self.request)
        rows = Notice.objects.filter(visible_to(person, "ticket__"), user=person, listed=True)
        return rows.select_related("ticket__contact", "event__actor", "user")

    @extend_schema(summary="How many were not seen", responses=UnseenSerializer)
    @action(detail=False)
    def unseen(self, request: Request) -> Response:
        return Response({"unseen": services.count_unseen(_person(request))})

    @extend_schema(
        summary="They are seen: those of one ticket, or all", request=SeenSerializer, responses=UnseenSerializer
    )
    @action(detail=False, methods=["post"])
    def seen(self, request: Request) -> Response:
        asked = SeenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ticket_id = asked.validated_data.get("ticket")
        if ticket_id is None:
            services.note_all_seen(_person(request))
        else:
            services.note_seen(ticket_id, _person(request))
        return Response({"unseen": services.count_unseen(_person(request))})

    @extend_schema(methods=["GET"], summary="How the caller is told of what", responses=WaysSerializer)
    @extend_schema(methods=["PATCH"], summary="Choose how to be told", request=WaysSerializer, responses=WaysSerializer)
    @action(detail=False, methods=["get", "patch"], url_path="settings")
    def ways(self, request: Request) -> Response:
        person = _person(request)
        if request.method == "PATCH":
            asked = WaysSerializer(data=request.data)
            asked.is_valid(raise_exception=True)
            services.choose_ways(person, _ways_of(person) | asked.validated_data)
        return Response(_ways_of(person))


def _ways_of(person: User) -> dict[str, list[str]]:
    return {kind: services.ways_of(person, kind) for kind in Kind.values}


def _person(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def register(router: DefaultRouter) -> None:
    router.register("notices", NoticeViewSet, basename="notice")
