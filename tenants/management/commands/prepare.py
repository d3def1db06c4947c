from typing import Any

from django.core.management.base import BaseCommand

from tenants.provisioning import prepare_database


class Command(BaseCommand):
    help = "Migrates public, the template and every workspace, and keeps spare schemas ready. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        prepare_database()
        self.stdout.write("The database is ready.")
