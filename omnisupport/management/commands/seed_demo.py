from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from omnisupport.demo.seeding import seed_demo, wait_for_documents


class Command(BaseCommand):
    help = "Makes two demo workspaces when there are none yet; logins go to DATA_DIR/demo.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--wait-for-documents", action="store_true", help="make nothing; end once their documents can be asked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["wait_for_documents"]:
            self.stdout.write(f"Documents not read yet: {wait_for_documents()}.")
            return
        made = seed_demo()
        self.stdout.write(
            f"Demo logins written: {len(made)}." if made else "There are workspaces already; nothing was made."
        )
