"""REST: macros."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers, viewsets
from rest_framework.routers import DefaultRouter

from tenants.accounts.models import User
from tenants.accounts.permissions import IsAgent
from tickets import queries
from tickets.models import Macro
from tickets.services.macros import delete_macro, save_macro


class MacroSerializer(serializers.ModelSerializer[Macro]):
    id = serializers.CharField(read_only=True)
    owner = serializers.UUIDField(source="owner_id", read_only=True, allow_null=True)
    actions = serializers.DictField(required=False)

    class Meta:
        model = Macro
        fields = ["id", "name", "text_ru", "text_en", "actions", "visibility", "team", "position", "owner", "uses"]
        read_only_fields = ["uses"]


@extend_schema_view(
    list=extend_schema(summary="Macros that you may use or change"),
    create=extend_schema(summary="Make a macro; agents make their own, admins also those of teams and everyone"),
)
class MacroViewSet(viewsets.ModelViewSet[Macro]):
    queryset = Macro.objects.all()
    serializer_class = MacroSerializer
    permission_classes = [IsAgent]
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self) -> QuerySet[Macro]:
        return queries.managed_macros(self._user)

    @property
    def _user(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user

    def perform_create(self, serializer: Any) -> None:
        serializer.instance = save_macro(None, changes=serializer.validated_data, user=self._user)

    def perform_update(self, serializer: Any) -> None:
        serializer.instance = save_macro(serializer.instance, changes=serializer.validated_data, user=self._user)

    def perform_destroy(self, instance: Macro) -> None:
        delete_macro(instance, self._user)


def register(router: DefaultRouter) -> None:
    router.register("macros", MacroViewSet, basename="macro")
