"""How long the inbound ledger is kept."""

from datetime import timedelta

from django.utils import timezone

from channels_app.models import InboundEvent


def delete_old_events(older_than: timedelta, batch: int = 1000) -> int:
    """Processed and ignored rows, in a small bite. What failed waits for a person. Returns how many."""
    # Ids grow with time: both queries read the oldest rows only, however long the ledger is.
    kept = InboundEvent.objects.filter(received_at__gte=timezone.now() - older_than).order_by("id")
    first_kept = kept.values_list("id", flat=True).first()
    old = InboundEvent.objects.filter(
        state__in=[InboundEvent.State.DONE, InboundEvent.State.IGNORED],
        received_at__lt=timezone.now() - older_than,
    )
    if first_kept is not None:
        old = old.filter(id__lt=first_kept)
    ids = list(old.order_by("id").values_list("id", flat=True)[:batch])
    return InboundEvent.objects.filter(id__in=ids).delete()[0] if ids else 0
