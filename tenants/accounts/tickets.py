"""Single-use tickets for websockets: fetched over authenticated REST, 30 seconds long, bound to workspace and person."""

import secrets
from uuid import UUID

from omnisupport.lib.redis import redis_client
from tenants.accounts.models import User
from tenants.names import tenant_key

LIFETIME = 30


def issue_socket_ticket(user: User) -> str:
    ticket = secrets.token_urlsafe(24)
    redis_client().set(tenant_key("socket-ticket", ticket), str(user.id), ex=LIFETIME)
    return ticket


def spend_socket_ticket(ticket: str) -> User | None:
    """The person, once; None for a spent, late or foreign ticket."""
    user_id = redis_client().getdel(tenant_key("socket-ticket", ticket))
    if not isinstance(user_id, bytes):
        return None
    return User.objects.filter(id=UUID(user_id.decode()), is_active=True).first()
