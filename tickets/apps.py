from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TicketsConfig(AppConfig):
    name = "tickets"
    verbose_name = _("Tickets")

    def ready(self) -> None:
        from tenants.sweeper import register_sweeps
        from tickets.tasks import SWEEPS

        register_sweeps(*SWEEPS)
