import os

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omnisupport.settings")

app = Celery("omnisupport")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def use_django_logging(**_kwargs: object) -> None:
    """Celery would otherwise install handlers of its own, without the masking of secrets."""
    import logging.config

    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)


@celeryd_init.connect
@beat_init.connect
def refuse_unsafe_production(**_kwargs: object) -> None:
    from omnisupport.production import refuse_unsafe_production

    refuse_unsafe_production()
