from tenants.events.log import subscribe
from tenants.events.models import Event
from tickets.realtime import publish_event


@subscribe("*", in_order=True)
def show_agents(event: Event) -> None:
    publish_event(event)
