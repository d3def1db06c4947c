from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from omnisupport.lib.errors import AppError
from tenants.accounts.models import Role, User
from tenants.accounts.prompt import ask_password
from tenants.accounts.services import check_person
from tenants.db import tenant_context
from tenants.names import PUBLIC


class Command(BaseCommand):
    help = "Makes an operator of the platform: create_operator you@company.example [--password …]"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="")
        parser.add_argument("--password", default="", help="asked for when left out")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["password"] or ask_password("Password: ")
        try:
            check_person(email=options["email"], name=options["name"] or options["email"][:120], password=password)
        except AppError as error:
            raise CommandError(str(error)) from None
        try:
            with tenant_context(PUBLIC):
                User.objects.create_user(
                    options["email"], password, name=options["name"] or options["email"][:120], role=Role.OPERATOR
                )
        except IntegrityError:
            raise CommandError("There is an operator with this e-mail already.") from None
        self.stdout.write("The operator can log in to the admin of the platform's host.")
