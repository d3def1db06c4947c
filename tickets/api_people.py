"""REST: the people of the inbox — who is here, how much each has, and handing their work back."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from omnisupport.lib.errors import Forbidden
from tenants.accounts.models import Role, User
from tenants.accounts.permissions import IsAdmin, IsAgent
from tenants.accounts.services import set_away, set_capacity
from tickets import queries
from tickets.api import actor
from tickets.presence import present_people, state_of
from tickets.services.leaving import return_work


class PersonSerializer(serializers.ModelSerializer[User]):
    state = serializers.SerializerMethodField(help_text="online, away or offline: as colleagues see it")
    open_conversations = serializers.SerializerMethodField()
    is_away = serializers.BooleanField(help_text="Away by hand: until they come back by hand. Only one's own.")
    capacity = serializers.IntegerField(
        min_value=0,
        max_value=1000,
        allow_null=True,
        help_text="Open conversations at most; null: any number. Admins set it.",
    )

    class Meta:
        model = User
        fields = ["id", "name", "role", "state", "is_away", "capacity", "open_conversations"]
        read_only_fields = ["id", "name", "role"]

    def get_state(self, person: User) -> str:
        return state_of(person, self.context["here"])

    def get_open_conversations(self, person: User) -> int:
        return int(self.context["loads"].get(person.id, 0))


class ReturnedSerializer(serializers.Serializer[Any]):
    returned = serializers.IntegerField(help_text="How many conversations have nobody now.")


@extend_schema_view(
    list=extend_schema(summary="Who is here, and how much each has"),
    retrieve=extend_schema(summary="One of them; `me`: the caller"),
)
class PersonViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[User]):
    queryset = User.objects.filter(is_active=True, role__in=[Role.OWNER, Role.ADMIN, Role.AGENT]).order_by("-id")
    serializer_class = PersonSerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"me|[0-9a-fA-F-]{36}"

    def get_object(self) -> User:
        if self.kwargs["pk"] == "me":
            self.kwargs["pk"] = str(actor(self.request).id)
        return super().get_object()

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = dict(super().get_serializer_context())
        if not getattr(self, "swagger_fake_view", False):
            context |= {"here": present_people(), "loads": queries.open_loads()}
        return context

    @extend_schema(summary="Go away or come back oneself; admins: how many conversations somebody may have at most")
    def partial_update(self, request: Request, pk: str) -> Response:
        person = self.get_object()
        asked = PersonSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        if ("is_away" in data and person != actor(request)) or ("capacity" in data and not actor(request).is_admin):
            raise Forbidden(_("You may not do this."))
        if "is_away" in data:
            set_away(person, data["is_away"])
        if "capacity" in data:
            set_capacity(person.id, data["capacity"], actor=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Admins: give what somebody holds back to the queue", request=None, responses=ReturnedSerializer
    )
    @action(detail=True, methods=["post"], url_path="return-work", permission_classes=[IsAdmin])
    def return_work(self, request: Request, pk: str) -> Response:
        return Response({"returned": return_work(self.get_object().id, actor=actor(request))})


def register(router: DefaultRouter) -> None:
    router.register("people", PersonViewSet, basename="person")
