"""REST: contacts and the companies that they work for."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import DefaultRouter

from omnisupport.lib.errors import Forbidden, NotFound
from tenants.accounts.permissions import IsAdmin, IsAgent
from tenants.accounts.veil import unveiled
from tickets import queries
from tickets.api import actor, viewer_of
from tickets.models import Company, Contact
from tickets.rights import contacts_visible_to
from tickets.serializers import (
    BlockSerializer,
    CompanySerializer,
    ContactSerializer,
    ErasureSerializer,
    OtherContactSerializer,
    RevealedSerializer,
    RevealSerializer,
)
from tickets.services.companies import delete_company, save_company, set_company
from tickets.services.contacts import reveal_detail, update_contact
from tickets.services.erasing import erase_contact, export_contact
from tickets.services.merging import merge_contacts, undo_merge, undoable_merges
from tickets.services.spam import block_contact


class ContactFilter(filters.FilterSet):
    email = filters.CharFilter(lookup_expr="iexact")
    name = filters.CharFilter(lookup_expr="icontains")

    class Meta:
        model = Contact
        fields = ["phone"]


class ContactViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Contact]):
    queryset = Contact.objects.filter(merged_into=None)
    serializer_class = ContactSerializer
    permission_classes = [IsAgent]
    filterset_class = ContactFilter
    lookup_value_regex = r"[0-9a-fA-F-]{36}"

    def get_queryset(self) -> QuerySet[Contact]:
        return self.queryset.filter(contacts_visible_to(viewer_of(self))).prefetch_related("addresses")

    @extend_schema(summary="Block, or not: what a blocked contact writes is kept as spam", request=BlockSerializer)
    @action(detail=True, methods=["post"])
    def block(self, request: Request, pk: str) -> Response:
        serializer = BlockSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data["is_blocked"]
        block_contact(self.get_object().id, is_blocked=wanted, actor=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Change what we know of a contact", request=ContactSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        contact = self.get_object()
        serializer = self.get_serializer(contact, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        company = changes.pop("company_name", None)
        with transaction.atomic():
            update_contact(contact.id, changes=changes, actor=actor(request))
            if company is not None:
                set_company(contact.id, name=company, actor=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="One value that is masked for the caller; it is written to the event log",
        request=RevealSerializer,
        responses=RevealedSerializer,
    )
    @action(detail=True, methods=["post"])
    def reveal(self, request: Request, pk: str) -> Response:
        asked = RevealSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        value = reveal_detail(self.get_object(), asked.validated_data["what"], actor=actor(request))
        answer = Response({"value": value})
        unveiled(answer)
        return answer

    @extend_schema(
        summary="Take another contact into this one",
        description="Its addresses and conversations belong here; `unmerge/` parts the newest merge within 24 hours.",
        request=OtherContactSerializer,
        responses=ContactSerializer,
    )
    @action(detail=True, methods=["post"])
    def merge(self, request: Request, pk: str) -> Response:
        gone = queries.get_contact(_checked(OtherContactSerializer, request)["contact"], actor(request))
        merge_contacts(kept_id=self.get_object().id, gone_id=gone.id, user=actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Part the newest merge again", request=None, responses=ContactSerializer)
    @action(detail=True, methods=["post"])
    def unmerge(self, request: Request, pk: str) -> Response:
        merge = undoable_merges(self.get_object()).first()
        if merge is None:
            raise NotFound(_("There is no such merge."))
        undo_merge(merge.id, actor(request))
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Admins: all data of the person, for the person", responses={(200, "application/json"): dict}
    )
    @action(detail=True, permission_classes=[IsAdmin])
    def data(self, request: Request, pk: str) -> Response:
        return Response(export_contact(self.get_object()))

    @extend_schema(
        summary="Admins: erase the person for good; `named` repeats the name",
        request=ErasureSerializer,
        responses={204: None},
    )
    @action(detail=True, methods=["post"], permission_classes=[IsAdmin])
    def erase(self, request: Request, pk: str) -> Response:
        erase_contact(self.get_object().id, named=_checked(ErasureSerializer, request)["named"], actor=actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CompanyFilter(filters.FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")
    domain = filters.CharFilter(lookup_expr="iexact")

    class Meta:
        model = Company
        fields: list[str] = []


class CompanyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Company]):
    """Whom contacts work for. Everybody sees them; whoever has an address at their domain joins by itself."""

    queryset = Company.objects.all()
    serializer_class = CompanySerializer
    permission_classes = [IsAgent]
    filterset_class = CompanyFilter
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(summary="Make a company", request=CompanySerializer, responses={201: CompanySerializer})
    def create(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = save_company(None, changes=serializer.validated_data, actor=actor(request))
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(summary="Change a company")
    def partial_update(self, request: Request, pk: str) -> Response:
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = save_company(int(pk), changes=serializer.validated_data, actor=actor(request))
        return Response(self.get_serializer(changed).data)

    @extend_schema(summary="Admins: delete a company; its people stay", responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        if not actor(request).is_admin:
            raise Forbidden(_("You may not do this."))
        delete_company(self.get_object().id, actor=actor(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _checked(shape: type[serializers.BaseSerializer[Any]], request: Request) -> Any:
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def register(router: DefaultRouter) -> None:
    router.register("contacts", ContactViewSet, basename="contact")
    router.register("companies", CompanyViewSet, basename="company")
