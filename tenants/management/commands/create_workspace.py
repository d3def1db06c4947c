from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from omnisupport.lib.errors import AppError
from tenants.accounts.prompt import ask_password
from tenants.names import host_for, url_for_host
from tenants.provisioning import create_workspace, keep_spares


class Command(BaseCommand):
    help = (
        "Makes a workspace: create_workspace shop --email owner@shop.example [--name …] [--password …] [--language en]"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--email", required=True, help="the owner's e-mail")
        parser.add_argument("--name", default="", help="the workspace's name")
        parser.add_argument("--password", default="", help="asked for when left out")
        parser.add_argument("--language", choices=["ru", "en"], default="ru")
        parser.add_argument("--timezone", default="Europe/Moscow")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or ask_password("Password of the owner: ")
        try:
            tenant = create_workspace(
                slug=options["slug"],
                name=options["name"],
                owner_email=options["email"],
                owner_password=password,
                language=options["language"],
                timezone=options["timezone"],
            )
        except AppError as error:
            raise CommandError(str(error)) from error
        keep_spares()
        self.stdout.write(f"{tenant.name}: {url_for_host(host_for(tenant.slug))}")
