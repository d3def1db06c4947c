"""REST: the working hours of the workspace."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from omnisupport.lib.errors import NotFound
from tenants.accounts.permissions import AgentReadsAdminWrites
from tickets.services.hours import clear_hours, set_hours, working_hours
from tickets.working_hours import WorkingHours


class WorkingHoursSerializer(serializers.Serializer[Any]):
    week = serializers.ListField(
        child=serializers.ListField(
            child=serializers.CharField(max_length=5), min_length=2, max_length=2, allow_null=True
        ),
        min_length=7,
        max_length=7,
        help_text='From Monday on: ["09:00", "18:00"], or null for a free day. An end of "00:00" is midnight.',
    )
    timezone = serializers.CharField(max_length=50)
    holidays = serializers.ListField(child=serializers.CharField(max_length=10), required=False, max_length=400)
    closed_text = serializers.CharField(required=False, allow_blank=True, max_length=1000)
    is_open = serializers.BooleanField(read_only=True)


class WorkingHoursView(APIView):
    permission_classes = [AgentReadsAdminWrites]

    @extend_schema(summary="The working hours; 404 where none are set", responses=WorkingHoursSerializer)
    def get(self, request: Request) -> Response:
        hours = working_hours()
        if hours is None:
            raise NotFound(_("No working hours are set."))
        return Response(_shown(hours))

    @extend_schema(summary="Set the working hours", request=WorkingHoursSerializer, responses=WorkingHoursSerializer)
    def put(self, request: Request) -> Response:
        serializer = WorkingHoursSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        return Response(_shown(set_hours(zone=data.pop("timezone"), **data)))

    @extend_schema(summary="People are always there again", responses={204: None})
    def delete(self, request: Request) -> Response:
        clear_hours()
        return Response(status=status.HTTP_204_NO_CONTENT)


def _shown(hours: WorkingHours) -> dict[str, Any]:
    names = ("week", "timezone", "holidays", "closed_text")
    return {**{name: getattr(hours, name) for name in names}, "is_open": hours.is_open(timezone.now())}
