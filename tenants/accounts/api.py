"""Log in, refresh, log out, who am I, and the single-use ticket for the websocket."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from tenants.accounts.models import RefreshFamily, User
from tenants.accounts.permissions import AgentReadsAdminWrites, IsAgent
from tenants.accounts.services import set_rights
from tenants.accounts.tickets import issue_socket_ticket
from tenants.accounts.tokens import TenantTokenObtainSerializer, refresh_tokens
from tenants.names import tenant_key


class LoginThrottle(ScopedRateThrottle):
    """Counts by caller and by the e-mail that is tried, in the workspace's own keys."""

    def get_cache_key(self, request: Request, view: APIView) -> str | None:
        email = str(request.data.get("email", ""))[:254].lower() if isinstance(request.data, dict) else ""
        return tenant_key("throttle", self.scope, self.get_ident(request), email)


TOKENS = inline_serializer("Tokens", {"access": serializers.CharField(), "refresh": serializers.CharField()})


class TokenView(APIView):
    permission_classes = [AllowAny]
    authentication_classes = []
    throttle_classes = [LoginThrottle]
    throttle_scope = "login"

    @extend_schema(
        summary="Log in with e-mail and password",
        request=inline_serializer("Login", {"email": serializers.EmailField(), "password": serializers.CharField()}),
        responses={200: TOKENS, 401: OpenApiResponse(description="wrong e-mail or password")},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        serializer = TenantTokenObtainSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


class RefreshView(APIView):
    permission_classes = [AllowAny]
    authentication_classes = []

    @extend_schema(
        summary="Exchange a refresh token for a new pair; each works once",
        request=inline_serializer("Refresh", {"refresh": serializers.CharField()}),
        responses={200: TOKENS, 401: OpenApiResponse(description="spent, expired, or of another workspace")},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        serializer = _RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return Response(refresh_tokens(serializer.validated_data["refresh"]))


class _RefreshSerializer(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=4096)


class LogoutView(APIView):
    permission_classes = [IsAgent]

    @extend_schema(summary="End every API login of the caller", request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        families = RefreshFamily.objects.filter(user=request.user, revoked_at=None)
        families.update(revoked_at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ["id", "email", "name", "role", "access", "sees_contact_details", "language", "is_active"]
        read_only_fields = ["id", "email", "name", "role", "language", "is_active"]


class MeView(APIView):
    permission_classes = [IsAgent]

    @extend_schema(summary="The caller", responses=UserSerializer)
    def get(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        return Response(UserSerializer(request.user).data)


class SocketTicketView(APIView):
    permission_classes = [IsAgent]

    @extend_schema(
        summary="A single-use ticket for the agents' websocket, 30 seconds long",
        request=None,
        responses=inline_serializer(
            "SocketTicket", {"ticket": serializers.CharField(), "lifetime": serializers.IntegerField()}
        ),
    )
    def post(self, request: Request) -> Response:
        assert isinstance(request.user, User)
        return Response({"ticket": issue_socket_ticket(request.user), "lifetime": 30})


class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[User]):
    """People of the workspace, the assistant among them: whom tickets can be assigned to."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    permission_classes = [AgentReadsAdminWrites]
    filterset_fields = ["role", "is_active"]
    lookup_value_regex = r"[0-9a-fA-F-]{36}"

    def get_queryset(self) -> Any:
        return User.objects.order_by("-id")

    @extend_schema(summary="Change which conversations an agent sees, and whether phones and e-mail addresses in them")
    def partial_update(self, request: Request, pk: str) -> Response:
        assert isinstance(request.user, User)
        user = self.get_object()
        serializer = self.get_serializer(user, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        now = {"access": user.access, "sees_contact_details": user.sees_contact_details}
        set_rights(user, **{**now, **serializer.validated_data}, actor=request.user)
        return Response(self.get_serializer(user).data)
