from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = _("Workspaces")

    def ready(self) -> None:
        from omnisupport.lib.timestamps import read_timestamps_fast

        read_timestamps_fast()
