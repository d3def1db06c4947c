"""REST: webhooks and their deliveries, for admins only."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from omnisupport.lib.api import NewestFirstPagination
from tenants.accounts.models import User
from tenants.accounts.permissions import IsAdmin
from tenants.tasking import wake
from tickets.webhooks import services
from tickets.webhooks.models import WebhookDelivery, WebhookEndpoint
from tickets.webhooks.payloads import EVENT_TYPES
from tickets.webhooks.tasks import drain_endpoint

_NO_STORE = {"Cache-Control": "no-store"}


class EndpointSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENT_TYPES), min_length=1, max_length=50)
    url = serializers.CharField(max_length=500)

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id", "name", "url", "events", "is_active", "off_reason", "failures", "failing_since", "last_success_at",
            "last_error", "created_at",
        ]  # fmt: skip
        read_only_fields = [
            "id",
            "off_reason",
            "failures",
            "failing_since",
            "last_success_at",
            "last_error",
            "created_at",
        ]


class NewEndpointSerializer(EndpointSerializer):
    secret = serializers.CharField(read_only=True, help_text="Shown this once.")

    class Meta(EndpointSerializer.Meta):
        fields = [*EndpointSerializer.Meta.fields, "secret"]


class DeliverySerializer(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.CharField(read_only=True)
    endpoint = serializers.UUIDField(source="endpoint_id", read_only=True)
    seq = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "endpoint", "event_key", "event_type", "seq", "state", "attempts", "due_at", "last_status",
            "last_response", "last_error", "duration_ms", "created_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields


class EndpointPagination(NewestFirstPagination):
    ordering = "-created_at"


@extend_schema_view(
    list=extend_schema(summary="Webhooks, newest first"),
    retrieve=extend_schema(summary="One webhook with its health"),
    destroy=extend_schema(summary="Delete a webhook with its deliveries"),
)
class EndpointViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[WebhookEndpoint],
):
    queryset = WebhookEndpoint.objects.all()
    serializer_class = EndpointSerializer
    permission_classes = [IsAdmin]
    pagination_class = EndpointPagination
    lookup_value_regex = r"[0-9a-fA-F-]{36}"
    filterset_fields = ["is_active"]

    @extend_schema(summary="Add a webhook; its secret is shown once", responses={201: NewEndpointSerializer})
    def create(self, request: Request) -> Response:
        data = self._read(request)
        by = request.user if isinstance(request.user, User) else None
        endpoint, secret = services.create_endpoint(
            url=data["url"], events=data["events"], name=data.get("name", ""), by=by
        )
        body = {**self.get_serializer(endpoint).data, "secret": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers=_NO_STORE)

    @extend_schema(summary="Change a webhook, or switch it on again")
    def partial_update(self, request: Request, pk: str) -> Response:
        endpoint = self.get_object()
        data = self._read(request, partial=True)
        services.change_endpoint(
            endpoint,
            url=data.get("url", endpoint.url),
            events=data.get("events", endpoint.events),
            name=data.get("name", endpoint.name),
            is_active=data.get("is_active", endpoint.is_active),
        )
        return Response(self.get_serializer(endpoint).data)

    def _read(self, request: Request, **options: Any) -> Any:
        serializer = EndpointSerializer(data=request.data, **options)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    @extend_schema(
        summary="Make the secret anew; shown this once",
        request=None,
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, description='{"secret": "…"}')},
    )
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, pk: str) -> Response:
        return Response({"secret": services.renew_secret(self.get_object())}, headers=_NO_STORE)

    @extend_schema(
        summary="Send a ping; its outcome is the delivery's", request=None, responses={202: DeliverySerializer}
    )
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        endpoint = self.get_object()
        delivery = services.send_test(endpoint)
        wake(drain_endpoint, str(endpoint.id))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)


@extend_schema_view(
    list=extend_schema(summary="Deliveries of webhooks, newest first"), retrieve=extend_schema(summary="One delivery")
)
class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[WebhookDelivery]):
    queryset = WebhookDelivery.objects.defer("body")
    serializer_class = DeliverySerializer
    permission_classes = [IsAdmin]
    filterset_fields = ["endpoint", "state", "event_type"]
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Send it again under the same event id", request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        delivery = self.get_object()
        for endpoint_id in services.send_again([delivery.id]):
            wake(drain_endpoint, str(endpoint_id))
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_202_ACCEPTED)


def register(router: DefaultRouter) -> None:
    router.register("webhooks", EndpointViewSet, basename="webhook")
    router.register("webhook-deliveries", DeliveryViewSet, basename="webhook-delivery")
