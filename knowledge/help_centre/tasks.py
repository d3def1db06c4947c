from datetime import timedelta

from django.conf import settings

from knowledge.help_centre.feedback import delete_missed_searches
from tenants.tasking import tenant_task


@tenant_task(queue="default", expires=3000)
def clear_missed_searches() -> None:
    for _bite in range(50):
        if not delete_missed_searches(timedelta(days=settings.MISSED_SEARCH_RETENTION_DAYS)):
            return
