"""Hand-computed cases: what each number on the dashboard means."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from analytics import metrics
from analytics.metrics import Period
from omnisupport.lib.charts import nice_ceiling, stacked_bars
from omnisupport.lib.sheets import safe_cell
from tickets.models import Ticket
from tickets.services.post import hand_to_human, post_message
from tickets.services.tickets import set_status

DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PERIOD = Period(datetime(2026, 2, 28, 21, 0, tzinfo=UTC), datetime(2026, 3, 7, 21, 0, tzinfo=UTC), "Europe/Moscow")


def ticket(shop, name: str, **facts: object) -> Ticket:
    made = shop.customer_writes(address=name).ticket
    Ticket.objects.filter(id=made.id).update(**{"created_at": DAY, **facts})
    return made


def test_first_response_counts_from_the_hand_over(shop):
    ticket(shop, "a", human_wait_from=DAY, first_reply_at=DAY + timedelta(minutes=10))
    ticket(shop, "b", human_wait_from=DAY + timedelta(hours=1), first_reply_at=DAY + timedelta(hours=1, minutes=2))
    ticket(shop, "c", human_wait_from=DAY, first_reply_at=DAY + timedelta(minutes=30))
    ticket(shop, "unanswered", first_reply_at=None)
    found = metrics.first_response(PERIOD)
    assert (found.median, found.p90, found.count) == (600, pytest.approx(1560), 3)


def test_nothing_measured_is_no_number(shop):
    assert metrics.first_response(PERIOD).median is None
    assert metrics.solved_by_assistant(PERIOD).percent is None


def test_days_are_the_workspaces_days(shop):
    ticket(shop, "late evening in Moscow", created_at=datetime(2026, 3, 2, 20, 59, tzinfo=UTC))
    ticket(shop, "already tomorrow there", created_at=datetime(2026, 3, 2, 21, 0, tzinfo=UTC))
    ticket(shop, "outside", created_at=PERIOD.end)
    assert [(day.isoformat(), count) for day, _channel, count in metrics.conversations_by_day(PERIOD)] == [
        ("2026-03-02", 1),
        ("2026-03-03", 1),
    ]


def test_the_assistants_share_takes_only_conversations_without_people(shop):
    common = {"assistant_replied": True, "status": "solved"}
    ticket(shop, "alone", **common)
    ticket(shop, "with a person", **common, human_replied=True)
    ticket(shop, "handed over", **common, handed_over_at=DAY)
    ticket(shop, "not solved", assistant_replied=True)
    ticket(shop, "without the assistant", status="solved")
    share = metrics.solved_by_assistant(PERIOD)
    assert (share.part, share.whole, share.percent) == (1, 4, 25)


def test_the_backlog_of_a_day(shop):
    ticket(shop, "solved the same day", solved_at=DAY + timedelta(hours=1), status="solved")
    ticket(shop, "solved two days later", solved_at=DAY + timedelta(days=2), status="solved")
    ticket(shop, "open")
    assert [count for _day, count in metrics.backlog_by_day(PERIOD)] == [0, 2, 2, 1, 1, 1, 1]


def test_the_dashboard_shows_what_happened(shop):
    handed = shop.customer_writes(assign_to=shop.assistant.id).ticket
    hand_to_human(ticket_id=handed.id, reason="asked", text="Зову", client_id=uuid.uuid4())
    post_message(ticket_id=handed.id, client_id=uuid.uuid4(), text="Я здесь", user=shop.agent)
    set_status(handed.id, status="solved", actor=shop.agent)
    now = timezone.now()
    today = Period(now - timedelta(days=1), now + timedelta(seconds=1), "UTC")
    assert metrics.counts(today) == {"created": 1, "solved": 1, "handed_over": 1}
    assert metrics.first_response(today).count == 1
    page = shop.client(shop.agent).get("/dashboard/?days=7")
    assert page.status_code == 200
    assert "asked for a person" in page.content.decode()


def test_strangers_and_garbage(shop):
    assert shop.client().get("/dashboard/").status_code == 302
    assert shop.client(shop.agent).get("/dashboard/?days=99999999999").status_code == 200


def test_export_cannot_run_formulas(shop):
    shop.channel.name = "=cmd|' /C calc'!A0"
    shop.channel.save()
    shop.customer_writes()
    text = shop.client(shop.agent).get("/dashboard/conversations.csv").content.decode()
    assert ",'=cmd" in text


@pytest.mark.parametrize(
    ("raw", "safe"), [("=1+1", "'=1+1"), (" @x", "' @x"), ("Сайт", "Сайт"), ("", ""), ("＝1", "'＝1")]
)
def test_cells(raw, safe):
    assert safe_cell(raw) == safe


@pytest.mark.parametrize(("value", "top"), [(0, 4), (4, 4), (5, 8), (9, 20), (41, 80), (1000, 2000)])
def test_axes_end_on_round_numbers(value, top):
    assert nice_ceiling(value) == top


def test_bars_fill_the_plot_to_scale():
    chart = stacked_bars(["1", "2"], [[(4, "a")], [(2, "b"), (2, "c")]])
    heights = [bar.height for bar in chart.bars]
    assert heights[0] == pytest.approx(heights[1] + heights[2])
