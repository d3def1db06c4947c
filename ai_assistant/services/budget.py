"""What a workspace's models may cost in a month, and what they have cost."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F

from ai_assistant.models import Assistant, MonthlySpending
from ai_assistant.providers.base import BudgetExceeded
from tenants.events.log import record
from tenants.models import Tenant
from tenants.names import current_schema

# Per cent of the budget at which the admins are told.
WARNINGS = (100, 80)


def spending_of_month() -> MonthlySpending:
    """Of the running month; not stored while nothing was spent."""
    month = _month()
    return MonthlySpending.objects.filter(month=month).first() or MonthlySpending(month=month)


def check_budget(assistant: Assistant) -> None:
    """Raises BudgetExceeded when the month's budget is spent. Calls that are on their way may go over it."""
    if assistant.monthly_limit is not None and spending_of_month().cost >= assistant.monthly_limit:
        raise BudgetExceeded


def spend(assistant: Assistant, tokens: int, cost: Decimal | None) -> None:
    """Adds one call to the month; tells once when a share of the budget is reached."""
    month = _month()
    MonthlySpending.objects.get_or_create(month=month)
    MonthlySpending.objects.filter(month=month).update(tokens=F("tokens") + tokens, cost=F("cost") + (cost or 0))
    if assistant.monthly_limit is None:
        return
    for share in WARNINGS:
        if _reached(month, assistant.monthly_limit, share):
            return


@transaction.atomic
def _reached(month: date, limit: int, share: int) -> bool:
    over = MonthlySpending.objects.filter(month=month, cost__gte=Decimal(limit) * share / 100, warned__lt=share)
    if not over.update(warned=share):
        return False
    record("budget.reached", payload={"share": share, "limit": limit, "month": month.isoformat()})
    return True


def forget_warnings() -> None:
    """For a new budget, of which nobody has been told anything."""
    MonthlySpending.objects.filter(month=_month()).update(warned=0)


def _month() -> date:
    """The first day of the running month where the workspace is."""
    zone = Tenant.objects.values_list("timezone", flat=True).get(schema_name=current_schema())
    return datetime.now(ZoneInfo(zone)).date().replace(day=1)
