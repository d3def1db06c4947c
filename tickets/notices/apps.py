from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    name = "tickets.notices"
    label = "notices"
    verbose_name = _("Notices")

    def ready(self) -> None:
        from tickets.notices.tasks import register_sweeps

        register_sweeps()
