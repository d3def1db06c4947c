from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AiAssistantConfig(AppConfig):
    name = "ai_assistant"
    verbose_name = _("Assistant")

    def ready(self) -> None:
        from ai_assistant.services.meaning import find_embedder
        from ai_assistant.tasks import SWEEPS
        from knowledge.embeddings import register_embedders
        from tenants.sweeper import register_sweeps

        register_sweeps(*SWEEPS)
        register_embedders(find_embedder)
