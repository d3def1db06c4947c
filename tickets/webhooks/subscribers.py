from tenants.events.log import subscribe
from tenants.events.models import Event
from tenants.tasking import wake
from tickets.webhooks.payloads import EVENT_TYPES
from tickets.webhooks.services import enqueue_event, forget_contact
from tickets.webhooks.tasks import drain_endpoint, mail_switched_off


@subscribe(*EVENT_TYPES)
def tell_integrators(event: Event) -> None:
    for endpoint_id in enqueue_event(event):
        wake(drain_endpoint, str(endpoint_id))


@subscribe("webhook.switched_off")
def tell_admins(event: Event) -> None:
    wake(mail_switched_off, event.pk, event.payload["name"], event.payload["note"])


@subscribe("contact.erased")
def forget_bodies(event: Event) -> None:
    """What integrators were told stays with them; our copy goes."""
    forget_contact(event.payload["contact_id"], event.payload["ticket_ids"])
