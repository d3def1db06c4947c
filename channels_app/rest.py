"""REST: channels (secrets are write-only) and the inbound ledger."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from channels_app.models import Channel, InboundEvent
from channels_app.services.channels import (
    change_channel,
    connect_channel,
    create_channel,
    disconnect_channel,
    renew_secret,
)
from channels_app.services.inbound import replay
from channels_app.tasks import drain_inbound
from omnisupport.lib.errors import InvalidInput
from tenants.accounts.models import User
from tenants.accounts.permissions import AgentReadsAdminWrites, IsAdmin
from tenants.tasking import wake


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    first_assignee = serializers.UUIDField(source="first_assignee_id", required=False, allow_null=True)
    config = serializers.DictField(required=False)
    secrets = serializers.DictField(write_only=True, required=False, help_text="Never shown again.")

    class Meta:
        model = Channel
        fields = [
            "id", "kind", "name", "is_active", "config", "secrets", "first_assignee", "assistant_mode", "health",
            "health_note", "health_at",
            "last_inbound_at", "last_outbound_at", "created_at",
        ]  # fmt: skip
        read_only_fields = [
            "id",
            "is_active",
            "health",
            "health_note",
            "health_at",
            "last_inbound_at",
            "last_outbound_at",
        ]

    def validate_first_assignee(self, value: Any) -> Any:
        if value is not None and not User.objects.filter(id=value, is_active=True).exists():
            raise serializers.ValidationError(_("There is no such person."))
        return value


class ChannelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Channel]):
    queryset = Channel.objects.all()
    serializer_class = ChannelSerializer
    permission_classes = [AgentReadsAdminWrites]
    lookup_value_regex = r"[0-9a-fA-F-]{36}"
    filterset_fields = ["kind", "is_active", "health"]

    @extend_schema(summary="Add a channel; connect it next", responses={201: ChannelSerializer})
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        channel = create_channel(
            kind=data["kind"],
            name=data["name"],
            config=data.get("config", {}),
            secrets=data.get("secrets", {}),
            first_assignee_id=data.get("first_assignee_id"),
            assistant_mode=data.get("assistant_mode", ""),
        )
        return Response(self.get_serializer(channel).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change name, settings, secrets or the first assignee")
    def partial_update(self, request: Request, pk: str) -> Response:
        channel = self.get_object()
        serializer = self.get_serializer(channel, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        if data.get("kind", channel.kind) != channel.kind:
            raise InvalidInput(_("The kind of a channel cannot be changed; add a new one."), field="kind")
        change_channel(
            channel,
            name=data.get("name", channel.name),
            config=data.get("config", {}),
            secrets=data.get("secrets", {}),
            first_assignee_id=data.get("first_assignee_id", channel.first_assignee_id),
            assistant_mode=data.get("assistant_mode", ""),
        )
        return Response(self.get_serializer(channel).data)

    @extend_schema(summary="Check the credentials with the provider and start receiving", request=None)
    @action(detail=True, methods=["post"])
    def connect(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(connect_channel(self.get_object().id)).data)

    @extend_schema(
        summary="Make the channel's own secret anew; shown this once",
        request=None,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description='{"secret": "…"}')},
    )
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: str) -> Response:
        return Response({"secret": renew_secret(self.get_object().id)}, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Stop receiving; conversations stay", request=None)
    @action(detail=True, methods=["post"])
    def disconnect(self, request: Request, pk: str) -> Response:
        disconnect_channel(self.get_object().id)
        return Response(self.get_serializer(self.get_object()).data)


class InboundEventSerializer(serializers.ModelSerializer[InboundEvent]):
    id = serializers.CharField(read_only=True)
    channel = serializers.UUIDField(source="channel_id", read_only=True)

    class Meta:
        model = InboundEvent
        fields = ["id", "channel", "event_key", "state", "attempts", "error", "received_at", "processed_at"]
        read_only_fields = fields


class InboundEventViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[InboundEvent]):
    """The inbound ledger: what providers handed us, and what became of it."""

    queryset = InboundEvent.objects.defer("body")
    serializer_class = InboundEventSerializer
    permission_classes = [IsAdmin]
    filterset_fields = {
        "state": ["exact"],
        "channel": ["exact"],
        "channel__kind": ["exact"],
        "received_at": ["gte", "lt"],
    }
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Process a failed event again", request=None, responses={202: InboundEventSerializer})
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        for channel_id in replay([self.get_object().id]):
            wake(drain_inbound, str(channel_id))
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)


def register(router: DefaultRouter) -> None:
    router.register("channels", ChannelViewSet, basename="channel")
    router.register("inbound-events", InboundEventViewSet, basename="inbound-event")
