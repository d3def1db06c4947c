"""REST: a question to the assistant, answered by the whole road, without side effects."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ai_assistant.tasks import ask_in_worker
from tenants.accounts.permissions import IsAgent


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=4000)
    language = serializers.ChoiceField(choices=["ru", "en"], required=False)


ANSWER = inline_serializer(
    "AskAnswer",
    {
        "outcome": serializers.ChoiceField(choices=["answered", "handed_over"]),
        "reason": serializers.CharField(),
        "text": serializers.CharField(),
        "citations": serializers.ListField(child=serializers.DictField()),
        "passages": serializers.ListField(child=serializers.DictField()),
        "confidence": serializers.FloatField(allow_null=True),
        "provider": serializers.CharField(),
        "model": serializers.CharField(),
        "checks": serializers.ListField(child=serializers.DictField()),
        "usage": serializers.DictField(),
        "timings": serializers.DictField(),
        "asked": serializers.ListField(child=serializers.DictField()),
        "cost": serializers.FloatField(allow_null=True),
    },
)


class AskView(APIView):
    permission_classes = [IsAgent]

    @extend_schema(summary="Ask the assistant", request=QuestionSerializer, responses=ANSWER)
    def post(self, request: Request) -> Response:
        serializer = QuestionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        return Response(ask_in_worker(data["question"], data.get("language", "")))
