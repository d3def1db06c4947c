import os
from typing import Any

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
def wait_longer_for_redis(conf: Any, **_kwargs: object) -> None:
    """A worker that takes a busy moment of Redis for its end would be handed its tasks a second time."""
    conf.broker_transport_options = {**conf.broker_transport_options, "socket_timeout": 5}


@celeryd_init.connect
@beat_init.connect
def refuse_unsafe_production(**_kwargs: object) -> None:
    from omnisupport.production import refuse_unsafe_production

    refuse_unsafe_production()
