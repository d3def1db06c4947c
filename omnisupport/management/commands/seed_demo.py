from typing import Any

from django.core.management.base import BaseCommand

from omnisupport.demo.seeding import seed_demo


class Command(BaseCommand):
    help = "Makes two demo workspaces when there are none yet; logins go to DATA_DIR/demo.json."

    def handle(self, *args: Any, **options: Any) -> None:
        made = seed_demo()
        self.stdout.write(
            f"Demo logins written: {len(made)}." if made else "There are workspaces already; nothing was made."
        )
