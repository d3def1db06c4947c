"""REST: where a conversation stands beside its status — snoozed, spam, merged."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.accounts.models import User
from tickets.models import Ticket
from tickets.serializers import TicketSerializer
from tickets.services.snoozing import snooze_ticket, understand, wake_ticket
from tickets.services.spam import mark_spam


class SnoozeSerializer(serializers.Serializer[Any]):
    """`until` null: until the customer writes; or `text` in people's words, read in the workspace's time zone."""

    until = serializers.DateTimeField(required=False, allow_null=True)
    text = serializers.CharField(required=False, max_length=100)


class SpamSerializer(serializers.Serializer[Any]):
    is_spam = serializers.BooleanField(default=True)


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

    def _shown(self) -> Response:
        return Response(self.get_serializer(self.get_object()).data)


def _checked(shape: type[serializers.Serializer[Any]], request: Request) -> Any:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def _actor(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user
