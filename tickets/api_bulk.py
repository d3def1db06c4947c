"""REST: many tickets at once, and incidents."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from tenants.accounts.models import User
from tenants.accounts.permissions import IsAgent
from tenants.tasking import wake
from tickets import queries
from tickets.models import BulkChange, Incident
from tickets.queries import Selection, view_names
from tickets.services.bulk import MOST, begin_bulk, get_bulk, undo_bulk
from tickets.services.incidents import get_incident, open_incident, set_incident_open
from tickets.tasks import change_in_bulk

_ID = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class SnoozedUntilSerializer(serializers.Serializer[Any]):
    until = serializers.DateTimeField(allow_null=True)


class ChangesSerializer(serializers.Serializer[Any]):
    """What is changed of each ticket; null takes assignee, team or incident away."""

    assignee = serializers.UUIDField(required=False, allow_null=True)
    team = serializers.IntegerField(required=False, allow_null=True)
    status = serializers.CharField(required=False, max_length=20)
    priority = serializers.IntegerField(required=False)
    add_tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    remove_tags = serializers.ListField(child=serializers.CharField(max_length=40), required=False, max_length=20)
    snooze = SnoozedUntilSerializer(required=False)
    spam = serializers.BooleanField(required=False)
    incident = serializers.IntegerField(required=False, allow_null=True)


class NewBulkSerializer(serializers.Serializer[Any]):
    """`tickets`: their ids; or `view` with its filters: all that it shows at this moment. The same `client_id` is the same
    change."""

    client_id = serializers.UUIDField(required=False)
    tickets = serializers.ListField(child=_ID, required=False, max_length=MOST)
    view = serializers.ChoiceField(choices=[], required=False)
    channel = serializers.UUIDField(required=False)
    team = serializers.IntegerField(required=False)
    changes = ChangesSerializer()

    def get_fields(self) -> Any:
        fields = super().get_fields()
        fields["view"] = serializers.ChoiceField(choices=view_names(), required=False)
        return fields


class BulkSerializer(serializers.ModelSerializer[BulkChange]):
    id = serializers.CharField(read_only=True)
    user = serializers.UUIDField(source="user_id", read_only=True, allow_null=True)
    changes = serializers.DictField(read_only=True)

    class Meta:
        model = BulkChange
        fields = [
            "id", "client_id", "user", "changes", "state", "total", "done", "refused", "undone", "left", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class BulkViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[BulkChange]):
    """One's own."""

    queryset = BulkChange.objects.none()
    serializer_class = BulkSerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> Any:
        user = self.request.user
        return BulkChange.objects.filter(user=user) if isinstance(user, User) else BulkChange.objects.none()

    @extend_schema(
        summary="Change many tickets at once",
        description="A task does it, each ticket in a transaction of its own; follow `state`, `done` and `refused`.",
        request=NewBulkSerializer,
        responses={202: BulkSerializer},
    )
    def create(self, request: Request) -> Response:
        data = _checked(NewBulkSerializer, request)
        user = _user(request)
        bulk = begin_bulk(_ids(data, user), changes=_plain(data["changes"]), user=user, client_id=data.get("client_id"))
        wake(change_in_bulk, bulk.id)
        return Response(self.get_serializer(bulk).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Take it back where nobody has changed anything since", request=None, responses={202: BulkSerializer}
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        bulk = undo_bulk(get_bulk(int(pk), _user(request)).id, user=_user(request))
        wake(change_in_bulk, bulk.id)
        return Response(self.get_serializer(bulk).data, status=status.HTTP_202_ACCEPTED)


def _ids(data: dict[str, Any], user: User) -> list[int]:
    if "view" not in data:
        return queries.seen_ids(data.get("tickets", []), user)
    selection = Selection(user, data["view"], channel_id=data.get("channel"), team_id=data.get("team"))
    return queries.ids_in(selection, MOST)


def _plain(changes: dict[str, Any]) -> dict[str, Any]:
    """As they are stored."""
    plain = dict(changes)
    if plain.get("assignee"):
        plain["assignee"] = str(plain["assignee"])
    if "snooze" in plain:
        until = plain["snooze"]["until"]
        plain["snooze"] = {"until": until.isoformat() if until else None}
    return plain


class IncidentSerializer(serializers.ModelSerializer[Incident]):
    id = serializers.CharField(read_only=True)

    class Meta:
        model = Incident
        fields = ["id", "title", "is_open", "created_at"]
        read_only_fields = ["id", "created_at"]


class IncidentAnswerSerializer(serializers.Serializer[Any]):
    """`{{contact.name}}` and `{{ticket.number}}` are filled in. The same `client_id` sends nothing twice."""

    client_id = serializers.UUIDField(required=False)
    text = serializers.CharField(max_length=20_000, trim_whitespace=False)
    solve = serializers.BooleanField(default=False)


class IncidentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Incident]):
    queryset = Incident.objects.all()
    serializer_class = IncidentSerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Open an incident; tickets are linked by a bulk change or their `incident/`")
    def create(self, request: Request) -> Response:
        data = _checked(IncidentSerializer, request)
        incident = open_incident(data["title"], user=_user(request))
        return Response(self.get_serializer(incident).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Close it, or open it again: `is_open`")
    def partial_update(self, request: Request, pk: str) -> Response:
        data = _checked(_OpenSerializer, request)
        incident = set_incident_open(int(pk), is_open=data["is_open"], user=_user(request))
        return Response(self.get_serializer(incident).data)

    @extend_schema(
        summary="Answer all of its tickets at once", request=IncidentAnswerSerializer, responses={202: BulkSerializer}
    )
    @action(detail=True, methods=["post"])
    def answer(self, request: Request, pk: str) -> Response:
        data = _checked(IncidentAnswerSerializer, request)
        user = _user(request)
        changes = {"answer": data["text"]} | ({"status": "solved"} if data["solve"] else {})
        ids = queries.ids_of_incident(get_incident(int(pk)), user)
        bulk = begin_bulk(ids, changes=changes, user=user, client_id=data.get("client_id"))
        wake(change_in_bulk, bulk.id)
        return Response(BulkSerializer(bulk).data, status=status.HTTP_202_ACCEPTED)


class _OpenSerializer(serializers.Serializer[Any]):
    is_open = serializers.BooleanField()


def _checked(shape: type[serializers.BaseSerializer[Any]], request: Request) -> Any:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def _user(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def register(router: DefaultRouter) -> None:
    router.register("bulk-changes", BulkViewSet, basename="bulk-change")
    router.register("incidents", IncidentViewSet, basename="incident")
