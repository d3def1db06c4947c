"""REST: replies that wait for their hour."""

from typing import Any
from uuid import uuid4

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from omnisupport.lib.errors import InvalidInput, NotFound
from tenants.accounts.permissions import IsAgent
from tickets.api import actor, viewer_of
from tickets.models import ScheduledReply, Ticket
from tickets.rights import about_visible, may_see
from tickets.serializers import MessageSerializer
from tickets.services.schedule import drop_reply, schedule_reply, send_reply


class ScheduledReplySerializer(serializers.ModelSerializer[ScheduledReply]):
    id = serializers.CharField(read_only=True)
    ticket = serializers.CharField(source="ticket_id", read_only=True)
    user = serializers.UUIDField(source="user_id", read_only=True)
    client_id = serializers.UUIDField(required=False, help_text="The same one is the same reply.")
    text = serializers.CharField(allow_blank=True, default="", max_length=20_000, trim_whitespace=False)
    attachments = serializers.ListField(child=serializers.UUIDField(), write_only=True, default=list, max_length=10)

    class Meta:
        model = ScheduledReply
        fields = [
            "id", "ticket", "user", "client_id", "text", "send_at", "cancel_on_reply", "attachments", "error", "created_at",
        ]  # fmt: skip
        read_only_fields = ["error", "created_at"]


@extend_schema(parameters=[OpenApiParameter("ticket_pk", int, OpenApiParameter.PATH, description="id of the ticket")])
class ScheduledReplyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ScheduledReply]):
    queryset = ScheduledReply.objects.all()
    serializer_class = ScheduledReplySerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[ScheduledReply]:
        ticket_id = int(self.kwargs.get("ticket_pk", 0))
        return ScheduledReply.objects.filter(about_visible(viewer_of(self)), ticket_id=ticket_id)

    def _ticket_id(self) -> int:
        ticket_id = int(self.kwargs["ticket_pk"])
        if not may_see(actor(self.request), ticket_id) or not Ticket.objects.filter(id=ticket_id).exists():
            raise NotFound(_("There is no such ticket."))
        return ticket_id

    @extend_schema(summary="Replies that wait for their hour")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._ticket_id()
        return super().list(request, *args, **kwargs)

    @extend_schema(summary="Send a reply later", responses={201: ScheduledReplySerializer})
    def create(self, request: Request, ticket_pk: str) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        files = data.pop("attachments")
        client_id = data.pop("client_id", None) or uuid4()
        reply = schedule_reply(
            ticket_id=self._ticket_id(), client_id=client_id, attachment_ids=files, user=actor(request), **data
        )
        return Response(self.get_serializer(reply).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Take it back", responses={204: None})
    def destroy(self, request: Request, ticket_pk: str, pk: str) -> Response:
        drop_reply(self.get_object().id, actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Send it now", request=None, responses=MessageSerializer)
    @action(detail=True, methods=["post"])
    def send(self, request: Request, ticket_pk: str, pk: str) -> Response:
        message = send_reply(self.get_object().id)
        if message is None:
            raise InvalidInput(_("This reply could not be sent; its `error` says why."))
        return Response(MessageSerializer(message).data)


def register(router: DefaultRouter) -> None:
    router.register(r"tickets/(?P<ticket_pk>\d{1,18})/scheduled", ScheduledReplyViewSet, basename="scheduled-reply")
