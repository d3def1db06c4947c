"""REST: where a conversation stands beside its status — snoozed, spam, merged, of an incident — and who follows it."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from omnisupport.lib.errors import NotFound
from tenants.accounts.models import User
from tickets.models import Ticket
from tickets.queries import followers_of
from tickets.serializers import TicketSerializer
from tickets.services.following import set_following
from tickets.services.incidents import link_incident
from tickets.services.snoozing import snooze_ticket, understand, wake_ticket
from tickets.services.spam import mark_spam
from tickets.services.ticket_merges import merge_tickets, split_ticket, undo_ticket_merge, undoable_ticket_merges


class SnoozeSerializer(serializers.Serializer[Any]):
    """`until` null: until the customer writes; or `text` in people's words, by the caller's clock (else the workspace's)."""

    until = serializers.DateTimeField(required=False, allow_null=True)
    text = serializers.CharField(required=False, max_length=100)


class SpamSerializer(serializers.Serializer[Any]):
    is_spam = serializers.BooleanField(default=True)


class FollowSerializer(serializers.Serializer[Any]):
    follows = serializers.BooleanField(default=True)


class FollowersSerializer(serializers.Serializer[Any]):
    followers = serializers.ListField(child=serializers.UUIDField())


class IncidentLinkSerializer(serializers.Serializer[Any]):
    incident = serializers.IntegerField(min_value=1, max_value=2**63 - 1, allow_null=True)


class MergeSerializer(serializers.Serializer[Any]):
    ticket = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class SplitSerializer(serializers.Serializer[Any]):
    message = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    with_later = serializers.BooleanField(default=False)


class StateActions(viewsets.GenericViewSet[Ticket]):
    """What TicketViewSet can do besides PATCH."""

    @extend_schema(summary="Put out of sight for a while", request=SnoozeSerializer, responses=TicketSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request: Request, pk: str) -> Response:
        data = _checked(SnoozeSerializer, request)
        until = understand(data["text"]) if data.get("text") else data.get("until")
        snooze_ticket(self.get_object().id, until=until, actor=_actor(request))
        return self._shown()

    @extend_schema(summary="Bring a snoozed one back", request=None, responses=TicketSerializer)
    @action(detail=True, methods=["post"])
    def wake(self, request: Request, pk: str) -> Response:
        wake_ticket(self.get_object().id, actor=_actor(request))
        return self._shown()

    @extend_schema(summary="Spam, or not", request=SpamSerializer, responses=TicketSerializer)
    @action(detail=True, methods=["post"])
    def spam(self, request: Request, pk: str) -> Response:
        wanted = _checked(SpamSerializer, request)["is_spam"]
        mark_spam(self.get_object().id, is_spam=wanted, actor=_actor(request))
        return self._shown()

    @extend_schema(
        summary="Take another conversation into this one",
        description="Its messages stand here; it is closed and has `merged_into`. `unmerge` of either puts them back"
        " within 24 hours.",
        request=MergeSerializer,
        responses=TicketSerializer,
    )
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        gone = _checked(MergeSerializer, request)["ticket"]
        if not self.get_queryset().filter(id=gone).exists():
            raise NotFound(_("There is no such ticket."))
        merge_tickets(kept_id=self.get_object().id, gone_id=gone, user=_actor(request))
        return self._shown()

    @extend_schema(summary="Part the newest merge again", request=None, responses=TicketSerializer)
    @action(detail=True, methods=["post"])
    def unmerge(self, request: Request, pk: str) -> Response:
        merge = undoable_ticket_merges(self.get_object()).first()
        if merge is None:
            raise NotFound(_("There is no such merge."))
        undo_ticket_merge(merge.id, _actor(request))
        return self._shown()

    @extend_schema(
        summary="Split a message off into a new conversation",
        request=SplitSerializer,
        responses={201: TicketSerializer},
    )
    @action(detail=True, methods=["post"])
    def split(self, request: Request, pk: str) -> Response:
        data = _checked(SplitSerializer, request)
        if not self.get_object().messages.filter(id=data["message"]).exists():
            raise NotFound(_("There is no such message."))
        made = split_ticket(data["message"], with_later=data["with_later"], user=_actor(request))
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(
        summary="Follow it, or not any more: one hears of what its customer writes",
        request=FollowSerializer,
        responses=FollowersSerializer,
    )
    @action(detail=True, methods=["post"])
    def follow(self, request: Request, pk: str) -> Response:
        ticket = self.get_object()
        set_following(ticket.id, user=_actor(request), follows=_checked(FollowSerializer, request)["follows"])
        return self._followers(ticket)

    @extend_schema(summary="Who follows it", responses=FollowersSerializer)
    @action(detail=True)
    def followers(self, request: Request, pk: str) -> Response:
        return self._followers(self.get_object())

    def _followers(self, ticket: Ticket) -> Response:
        return Response(FollowersSerializer({"followers": [person.id for person in followers_of(ticket)]}).data)

    @extend_schema(
        summary="Link it to an incident; null takes it out", request=IncidentLinkSerializer, responses=TicketSerializer
    )
    @action(detail=True, methods=["post"])
    def incident(self, request: Request, pk: str) -> Response:
        incident_id = _checked(IncidentLinkSerializer, request)["incident"]
        link_incident(self.get_object().id, incident_id=incident_id, actor=_actor(request))
        return self._shown()

    def _shown(self) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


def _checked(shape: type[serializers.Serializer[Any]], request: Request) -> Any:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def _actor(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user
