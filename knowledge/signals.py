from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from tenants.models import Tenant


@receiver(post_delete, sender=Tenant)
def forget_vectors(instance: Tenant, **_kwargs: Any) -> None:
    """A removed workspace leaves no vectors; nothing of it is left that could name them later."""
    from knowledge.tasks import drop_vectors_task

    schema = instance.schema_name
    transaction.on_commit(lambda: drop_vectors_task.apply_async((schema,), queue="ingestion", retry=False), robust=True)
