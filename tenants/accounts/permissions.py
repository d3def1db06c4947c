from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission

if TYPE_CHECKING:  # rest_framework.views reads this module while it is being imported
    from rest_framework.request import Request
    from rest_framework.views import APIView


class IsAgent(BasePermission):
    """Anybody who may work in the inbox."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(getattr(request.user, "is_agent", False))


class IsAdmin(BasePermission):
    """Owner and administrators."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(getattr(request.user, "is_admin", False) and getattr(request.user, "is_agent", False))


class AgentReadsAdminWrites(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.method in SAFE_METHODS:
            return bool(getattr(request.user, "is_agent", False))
        return IsAdmin().has_permission(request, view)
