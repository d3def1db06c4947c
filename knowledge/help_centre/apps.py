from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HelpCentreConfig(AppConfig):
    name = "knowledge.help_centre"
    label = "help_centre"
    verbose_name = _("Help centre")
