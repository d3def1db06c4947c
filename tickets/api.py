"""REST: tickets, their messages, attachments, teams, tags."""

from typing import Any
from uuid import UUID, uuid4

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.utils.urls import replace_query_param

from omnisupport.lib.errors import InvalidInput, NotFound
from tenants.accounts.models import User
from tenants.accounts.permissions import AgentReadsAdminWrites, IsAgent
from tickets import queries
from tickets import serializers as shapes
from tickets.api_state import StateActions
from tickets.files import transcript_file
from tickets.models import CustomField, CustomStatus, Message, MessageKind, Tag, Team, Ticket
from tickets.rights import about_visible, visible_to
from tickets.services.attachments import store_upload
from tickets.services.changes import delete_message, edit_message
from tickets.services.delivery import retry_message
from tickets.services.post import post_message
from tickets.services.tickets import change_ticket
from tickets.services.transcripts import send_transcript


class TicketFilter(filters.FilterSet):
    assignee = filters.UUIDFilter(field_name="assignee_id")
    contact = filters.UUIDFilter(field_name="contact_id")
    channel = filters.UUIDFilter(field_name="channel_id")
    tag = filters.CharFilter(field_name="tags__name", lookup_expr="iexact")
    created_after = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Ticket
        fields = ["status", "custom_status", "priority", "team", "number"]


def actor(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


def viewer_of(view: viewsets.GenericViewSet[Any]) -> User:
    """Who asks; the description of the API is made without anybody."""
    return User() if getattr(view, "swagger_fake_view", False) else actor(view.request)


@extend_schema_view(list=extend_schema(summary="Tickets, newest first"), retrieve=extend_schema(summary="One ticket"))
class TicketViewSet(StateActions, mixins.ListModelMixin, mixins.RetrieveModelMixin):
    queryset = Ticket.objects.all()
    serializer_class = shapes.TicketSerializer
    permission_classes = [IsAgent]
    filterset_class = TicketFilter
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[Ticket]:
        seen = Ticket.objects.filter(visible_to(viewer_of(self)))
        return seen.select_related("custom_status").prefetch_related("tags")

    @extend_schema(
        summary="Change status, its own name, priority, assignee, team or tags",
        request=shapes.TicketChangeSerializer,
        responses=shapes.TicketSerializer,
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        ticket = self.get_object()
        serializer = shapes.TicketChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        change_ticket(ticket.id, changes=serializer.validated_data, actor=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="What both sides said, without notes, as a file",
        parameters=[shapes.TranscriptFormSerializer],
        responses={(200, "text/plain"): OpenApiTypes.STR, (200, "text/html"): OpenApiTypes.STR},
    )
    @action(detail=True)
    def transcript(self, request: Request, pk: str) -> HttpResponse:
        asked = shapes.TranscriptFormSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return transcript_file(self.get_object(), asked.validated_data["form"])

    @extend_schema(
        summary="Send it to the customer's e-mail address",
        description="Through the company's mailbox, as a conversation of its own, in the customer's language. Returns the"
        " letter. The same `client_id` is the same letter.",
        request=shapes.TranscriptLetterSerializer,
        responses={201: shapes.MessageSerializer},
    )
    @transcript.mapping.post
    def send_transcript(self, request: Request, pk: str) -> Response:
        asked = shapes.TranscriptLetterSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        client_id = asked.validated_data.get("client_id") or _idempotency_key(request)
        letter = send_transcript(self.get_object(), client_id=client_id, user=actor(request))
        return Response(shapes.MessageSerializer(letter).data, status=status.HTTP_201_CREATED)


@extend_schema(parameters=[OpenApiParameter("ticket_pk", int, OpenApiParameter.PATH, description="id of the ticket")])
class MessageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Message]):
    queryset = Message.objects.all()
    serializer_class = shapes.MessageSerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[Message]:
        ticket_id = str(self.kwargs.get("ticket_pk", ""))
        seen = about_visible(viewer_of(self))
        return Message.objects.filter(seen, ticket_id=int(ticket_id or 0)).prefetch_related("attachments")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self._ticket_id()
        return super().list(request, *args, **kwargs)

    def _ticket_id(self) -> int:
        ticket_id = int(self.kwargs["ticket_pk"])
        if not Ticket.objects.filter(visible_to(viewer_of(self)), id=ticket_id).exists():
            raise NotFound(_("There is no such ticket."))
        return ticket_id

    @extend_schema(
        summary="Reply to the customer, or write a note",
        description="Send `client_id` or the header `Idempotency-Key` (a UUID): a repeated request returns the first message.",
        request=shapes.NewMessageSerializer,
        responses={201: shapes.MessageSerializer},
        parameters=[OpenApiParameter("Idempotency-Key", UUID, OpenApiParameter.HEADER, required=False)],
    )
    def create(self, request: Request, ticket_pk: str) -> Response:
        serializer = shapes.NewMessageSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        message = post_message(
            ticket_id=self._ticket_id(),
            client_id=data.get("client_id") or _idempotency_key(request),
            text=data["text"],
            user=actor(request),
            kind=MessageKind(data["kind"]),
            attachment_ids=data["attachments"],
            reply_to_id=data.get("reply_to"),
            status=data.get("status", ""),
            seen=data.get("seen"),
            mentions=data["mentions"],
        )
        return Response(self.get_serializer(message).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Change one's own message, within five minutes",
        description="At once a note and what has not left; else when the channel has changed it at the customer's side"
        " (`message.edited` tells so).",
        request=shapes.NewWordsSerializer,
        responses=shapes.MessageSerializer,
    )
    def partial_update(self, request: Request, ticket_pk: str, pk: str) -> Response:
        serializer = shapes.NewWordsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        edit_message(self.get_object().id, text=serializer.validated_data["text"], user=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Take one's own message away, within five minutes", responses={204: None})
    def destroy(self, request: Request, ticket_pk: str, pk: str) -> Response:
        delete_message(self.get_object().id, user=actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Send a failed or uncertain message again", request=None, responses=shapes.MessageSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, ticket_pk: str, pk: str) -> Response:
        message = self.get_object()
        if not retry_message(message.id):
            raise InvalidInput(_("Only a message that was not sent, or perhaps not, can be sent again."))
        return Response(self.get_serializer(self.get_object()).data)


def _idempotency_key(request: Request) -> UUID:
    given = request.headers.get("Idempotency-Key", "")
    if not given:
        return uuid4()
    try:
        return UUID(given)
    except ValueError:
        raise InvalidInput(_("Idempotency-Key must be a UUID."), field="Idempotency-Key") from None


class AttachmentViewSet(viewsets.GenericViewSet[Any]):
    serializer_class = shapes.UploadSerializer
    permission_classes = [IsAgent]
    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="Upload a file; its id goes into a message's `attachments`",
        request={"multipart/form-data": shapes.UploadSerializer},
        responses={201: shapes.AttachmentSerializer},
    )
    def create(self, request: Request) -> Response:
        file = request.FILES.get("file")
        if file is None:
            raise InvalidInput(_("Send the file as multipart/form-data in the field “file”."), field="file")
        attachment = store_upload(file, user=actor(request))
        return Response(shapes.AttachmentSerializer(attachment).data, status=status.HTTP_201_CREATED)


class TeamViewSet(viewsets.ModelViewSet[Team]):
    queryset = Team.objects.prefetch_related("members")
    serializer_class = shapes.TeamSerializer
    permission_classes = [AgentReadsAdminWrites]
    lookup_value_regex = r"\d{1,18}"


class TagViewSet(viewsets.ModelViewSet[Tag]):
    queryset = Tag.objects.all()
    serializer_class = shapes.TagSerializer
    permission_classes = [AgentReadsAdminWrites]
    lookup_value_regex = r"\d{1,18}"


class CustomStatusViewSet(viewsets.ReadOnlyModelViewSet[CustomStatus]):
    """The workspace's own names for the states of conversations. They are made in its settings."""

    queryset = CustomStatus.objects.all()
    serializer_class = shapes.CustomStatusSerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"\d{1,18}"


class CustomFieldFilter(filters.FilterSet):
    class Meta:
        model = CustomField
        fields = ["target"]


class CustomFieldViewSet(viewsets.ReadOnlyModelViewSet[CustomField]):
    """The fields that this workspace has added to conversations, contacts and companies; values are their `attributes`."""

    queryset = CustomField.objects.all()
    serializer_class = shapes.CustomFieldSerializer
    permission_classes = [IsAgent]
    filterset_class = CustomFieldFilter
    lookup_value_regex = r"\d{1,18}"


class SearchViewSet(viewsets.GenericViewSet[Any]):
    serializer_class = shapes.FoundPageSerializer
    permission_classes = [IsAgent]

    @extend_schema(
        operation_id="search_messages",
        summary="Conversations by words of their messages, number, subject or contact",
        description="Every word in any of its forms, Russian and English; numbers, codes and e-mail addresses exactly; of a"
        " phone any four or more digits in a row. One hit for each conversation: the newest, or with `sort=best` the best"
        " among the thousand newest.",
        parameters=[shapes.SearchSerializer],
        responses=shapes.FoundPageSerializer,
    )
    def list(self, request: Request) -> Response:
        asked = shapes.SearchSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        selection = queries.Selection(
            viewer=actor(request),
            channel_id=data.get("channel"),
            team_id=data.get("team"),
            text=data["q"],
            status=data.get("status", ""),
            assignee_id=data.get("assignee"),
            best_first=data["sort"] == "best",
        )
        page = queries.list_tickets(selection, data.get("after", ""))
        following = replace_query_param(request.build_absolute_uri(), "after", page.cursor) if page.cursor else None
        return Response(self.get_serializer({"next": following, "results": queries.whole_rows(page)}).data)


def register(router: DefaultRouter) -> None:
    router.register("search/messages", SearchViewSet, basename="search-message")
    router.register("tickets", TicketViewSet, basename="ticket")
    router.register(r"tickets/(?P<ticket_pk>\d{1,18})/messages", MessageViewSet, basename="message")
    router.register("attachments", AttachmentViewSet, basename="attachment")
    router.register("teams", TeamViewSet, basename="team")
    router.register("tags", TagViewSet, basename="tag")
    router.register("custom-fields", CustomFieldViewSet, basename="custom-field")
    router.register("custom-statuses", CustomStatusViewSet, basename="custom-status")
