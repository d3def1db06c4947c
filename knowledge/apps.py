from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    verbose_name = _("Knowledge")

    def ready(self) -> None:
        from knowledge import signals  # noqa: F401
        from knowledge.tasks import SWEEPS
        from tenants.sweeper import register_sweeps

        register_sweeps(*SWEEPS)
