from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    name = "tickets.notices"
    label = "notices"
    verbose_name = _("Notices")

    def ready(self) -> None:
        from tenants.sweeper import register_sweeps
        from tickets.notices.tasks import SWEEPS

        register_sweeps(*SWEEPS)
