from django.apps import AppConfig, apps
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class EventsConfig(AppConfig):
    name = "tenants.events"
    label = "events"
    verbose_name = _("Event log")

    def ready(self) -> None:
        assert apps.ready is not None
        autodiscover_modules("subscribers")
        from tenants.events.tasks import SWEEPS
        from tenants.sweeper import register_sweeps

        register_sweeps(*SWEEPS)
