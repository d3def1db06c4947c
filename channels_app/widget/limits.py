"""How much one visitor, and all visitors of one internet address together, may ask of the chat."""

from omnisupport.lib.limits import count_against
from tenants.names import tenant_key

# what: (times, within seconds)
_VISITOR = {
    "session": (60, 60),
    "message": (30, 60),
    "upload": (20, 600),
    "handoff": (5, 60),
    "read": (60, 60),
    "list": (120, 60),
    "page": (60, 60),
}
# An office, a mobile operator or a shop's own server is one address too, hence the room.
_ADDRESS = {
    "session": (300, 60), "conversation": (300, 60), "message": (3000, 60), "upload": (300, 600),
    "handoff": (300, 60),
}


def count_visitor(what: str, visitor: str) -> None:
    """Raises RateLimited."""
    limit, seconds = _VISITOR[what]
    count_against(tenant_key("widget", what, "visitor", visitor), limit=limit, seconds=seconds)


def count_address(what: str, address: str) -> None:
    """`address` as `client_address` tells it. Raises RateLimited."""
    limit, seconds = _ADDRESS[what]
    count_against(tenant_key("widget", what, "address", address), limit=limit, seconds=seconds)
