"""REST: the views that people make of the list."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter
from rest_framework.utils.urls import replace_query_param

from tenants.accounts.permissions import IsAgent
from tickets import queries
from tickets.api import actor
from tickets.models import SavedView, Sort, Visibility
from tickets.serializers import TicketSerializer
from tickets.services.views import delete_view, save_view


class ConditionSerializer(serializers.Serializer[Any]):
    field = serializers.CharField()
    op = serializers.CharField()
    value = serializers.JSONField(required=False, allow_null=True)


class ConditionGroupSerializer(serializers.Serializer[Any]):
    match = serializers.ChoiceField(choices=["all", "any"], default="all")
    conditions = ConditionSerializer(many=True)


class ConditionsSerializer(serializers.Serializer[Any]):
    """Two levels: groups of conditions. What can be asked is under `saved-views/fields/`."""

    match = serializers.ChoiceField(choices=["all", "any"], default="all")
    groups = ConditionGroupSerializer(many=True)


@extend_schema_field(ConditionsSerializer)
class ConditionsField(serializers.JSONField):
    """Checked by the service, which says what is wrong in a sentence."""


class SavedViewSerializer(serializers.ModelSerializer[SavedView]):
    id = serializers.CharField(read_only=True)
    owner = serializers.UUIDField(source="owner_id", read_only=True)
    team = serializers.IntegerField(source="team_id", required=False, allow_null=True, min_value=1, max_value=2**63 - 1)
    visibility = serializers.ChoiceField(choices=Visibility.choices, required=False)
    sort = serializers.ChoiceField(choices=Sort.choices, required=False)
    conditions = ConditionsField()

    class Meta:
        model = SavedView
        fields = ["id", "name", "owner", "visibility", "team", "conditions", "sort", "created_at", "updated_at"]
        read_only_fields = ["created_at", "updated_at"]


class FieldSerializer(serializers.Serializer[Any]):
    """`options` are [value, label]; empty where the value is written."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField()
    ops = serializers.ListField(child=serializers.CharField())
    options = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class PageAskedSerializer(serializers.Serializer[Any]):
    """Both come from `next` and `previous` of another page; neither: the first one."""

    after = serializers.CharField(required=False, max_length=40, default="")
    before = serializers.CharField(required=False, max_length=40, default="")


class TicketPageSerializer(serializers.Serializer[Any]):
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)
    results = TicketSerializer(many=True)


class SavedViewViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[SavedView]):
    """Those that the caller sees: their own, their teams', everyone's."""

    queryset = SavedView.objects.all()
    serializer_class = SavedViewSerializer
    permission_classes = [IsAgent]
    pagination_class = None
    filter_backends = []
    lookup_value_regex = r"\d{1,18}"

    def get_object(self) -> SavedView:
        return queries.get_saved_view(int(self.kwargs["pk"]), actor(self.request))

    @extend_schema(summary="The views that the caller sees")
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(queries.saved_views(actor(request)), many=True).data)

    @extend_schema(summary="Make a view", responses={201: SavedViewSerializer})
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        view = save_view(None, user=actor(request), **serializer.validated_data)
        return Response(self.get_serializer(view).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a view")
    def partial_update(self, request: Request, pk: str) -> Response:
        view = self.get_object()
        serializer = self.get_serializer(view, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        kept = {name: getattr(view, name) for name in ("name", "visibility", "team_id", "conditions", "sort")}
        view = save_view(view, user=actor(request), **(kept | serializer.validated_data))
        return Response(self.get_serializer(view).data)

    @extend_schema(summary="Delete a view", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        delete_view(self.get_object(), actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="saved_view_fields",
        summary="What a condition can be about, and what may be asked of it",
        responses=FieldSerializer(many=True),
    )
    @action(detail=False)
    def fields(self, request: Request) -> Response:
        return Response(FieldSerializer(list(queries.condition_fields(actor(request)).values()), many=True).data)

    @extend_schema(
        operation_id="saved_view_tickets",
        summary="The tickets that a view shows now, in its order",
        parameters=[PageAskedSerializer],
        responses=TicketPageSerializer,
    )
    @action(detail=True)
    def tickets(self, request: Request, pk: str) -> Response:
        view = self.get_object()
        asked = PageAskedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        selection = queries.Selection(actor(request), view.key, saved=view)
        page = queries.list_tickets(selection, asked.validated_data["after"], asked.validated_data["before"])
        here = request.build_absolute_uri(request.path)
        following = replace_query_param(here, "after", page.cursor) if page.cursor else None
        previous = replace_query_param(here, "before", page.previous) if page.previous else None
        tickets = [row.ticket for row in queries.whole_rows(page)]
        return Response(TicketPageSerializer({"next": following, "previous": previous, "results": tickets}).data)


def register(router: DefaultRouter) -> None:
    router.register("saved-views", SavedViewViewSet, basename="saved-view")
