from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    name = "tickets.webhooks"
    label = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        from tenants.sweeper import register_sweeps
        from tickets.webhooks.tasks import SWEEPS

        register_sweeps(*SWEEPS)
