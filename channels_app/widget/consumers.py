from collections.abc import Mapping
from typing import Any

from tenants.sockets import refuse


async def widget_socket(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
    await refuse(receive, send)
