"""What models cost: in each receipt, in the month, and what happens when the month's budget is spent."""

from decimal import Decimal

import pytest
from django.core import mail

from ai_assistant.models import MonthlySpending
from ai_assistant.services.asking import ask
from ai_assistant.services.budget import spend, spending_of_month
from ai_assistant.subscribers import tell_of_budget
from ai_assistant.tasks import mail_budget_reached
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION, change_assistant
from omnisupport.lib.errors import InvalidInput
from tenants.events.models import Event

SETTINGS = "/assistant/settings/"


@pytest.fixture
def priced(model, assistant):
    assistant.price, assistant.monthly_limit = Decimal("2.5"), 100
    assistant.save()
    return model


def reached():
    return list(Event.objects.filter(type="budget.reached").order_by("id").values_list("payload__share", flat=True))


def test_a_receipt_says_what_the_answer_cost(talk, priced):
    receipt = talk.asks(QUESTION)
    tokens = receipt.usage["total"]
    assert receipt.cost == Decimal(str(round(tokens * 2.5 / 1000, 4))) > 0
    assert receipt.asked[0]["tokens"] == tokens
    month = spending_of_month()
    assert (month.tokens, month.cost) == (tokens, receipt.cost)
    page = talk.shop.client(talk.shop.admin).get(f"/assistant/answers/{receipt.id}/").content.decode()
    assert f"{float(receipt.cost):.4f}".rstrip("0") in page and "openai_compatible" in page


def test_the_price_of_the_installation_holds_where_the_workspace_gave_none(talk, model, settings):
    settings.LLM_PRICES = {"openai_compatible": Decimal(1)}
    receipt = talk.asks(QUESTION)
    assert receipt.cost == Decimal(receipt.usage["total"]) / 1000


def test_without_a_price_tokens_are_counted_and_no_cost_is_made_up(talk, model):
    receipt = talk.asks(QUESTION)
    assert receipt.cost is None and spending_of_month().cost == 0
    assert spending_of_month().tokens == receipt.usage["total"]


def test_excerpts_cost_nothing(talk):
    assert talk.asks(QUESTION).cost == 0
    assert not MonthlySpending.objects.exists()


def test_questions_without_a_customer_count_too(library, priced):
    ask(QUESTION)
    assert spending_of_month().cost > 0


def test_a_spent_budget_calls_a_person_and_no_model(talk, priced, assistant):
    spend(assistant, 1000, Decimal(100))
    receipt = talk.asks(QUESTION)
    assert (receipt.outcome, receipt.reason) == ("handed_over", "budget")
    assert not priced.requests and "зову человека" in talk.last().text
    assert talk.last().content == {"handoff": "budget"}
    assert talk.shop.client(talk.shop.admin).get(f"/assistant/answers/{receipt.id}/").status_code == 200


def test_the_next_month_begins_at_nothing(talk, priced, assistant):
    spend(assistant, 1000, Decimal(100))
    MonthlySpending.objects.update(month="2020-01-01")
    assert talk.asks(QUESTION).outcome == "answered"


def test_the_admins_are_told_once_at_each_share(shop, assistant):
    assistant.monthly_limit = 100
    for rouble, told in ((79, []), (1, [80]), (5, [80]), (15, [80, 100]), (50, [80, 100])):
        spend(assistant, 1, Decimal(rouble))
        assert reached() == told


def test_one_call_that_passes_both_shares_makes_one_letter(shop, assistant):
    assistant.monthly_limit = 100
    spend(assistant, 1, Decimal(250))
    assert reached() == [100]


def test_a_larger_budget_has_warnings_of_its_own(shop, assistant):
    change_assistant(assistant, changes={"monthly_limit": 100, "price": Decimal(1)}, credentials={})
    spend(assistant, 1, Decimal(90))
    change_assistant(assistant, changes={"monthly_limit": 200}, credentials={})
    spend(assistant, 1, Decimal(80))
    assert reached() == [80, 80]


def test_the_letters(shop, monkeypatch, assistant):
    monkeypatch.setattr("ai_assistant.subscribers.wake", lambda task, *arguments: task.run(*arguments))
    assistant.monthly_limit = 100
    for rouble in (80, 20):
        spend(assistant, 1, Decimal(rouble))
    for event in Event.objects.filter(type="budget.reached").order_by("id"):
        tell_of_budget(event)
        mail_budget_reached.run(event.id, event.payload["share"], event.payload["limit"])
    to_admin = [letter for letter in mail.outbox if letter.to == [shop.admin.email]]
    assert len(to_admin) == 2 and {letter.to[0] for letter in mail.outbox} == {shop.owner.email, shop.admin.email}
    assert "80" in to_admin[0].subject and "100" in to_admin[1].subject and SETTINGS in to_admin[1].body


def test_a_budget_needs_prices(assistant):
    for changes, field in (
        ({"provider": "openai_compatible", "monthly_limit": 100}, "price"),
        ({"fallback_provider": "gigachat", "monthly_limit": 100}, "fallback_price"),
    ):
        with pytest.raises(InvalidInput) as caught:
            change_assistant(assistant, changes=changes, credentials={})
        assert caught.value.field == field
        assistant.refresh_from_db()


def test_nor_does_the_second_of_the_installation_go_without_one(assistant, settings):
    settings.LLM_FALLBACK, settings.LLM_PRICES = "yandexgpt", {"gigachat": Decimal(1)}
    with pytest.raises(InvalidInput) as caught:
        change_assistant(assistant, changes={"provider": "gigachat", "monthly_limit": 100}, credentials={})
    assert caught.value.field == "fallback_price"


def test_the_settings_page_takes_it_and_shows_what_was_spent(shop, openai, assistant):
    client = shop.client(shop.admin)
    form = {
        "provider": "openai_compatible", "is_active": "on", "max_turns": "12", "monthly_limit": "100", "price": "",
        "fallback_provider": "gigachat", "fallback_price": "", "credential_model": OPENAI_KEYS["model"],
    }  # fmt: skip
    refused = client.post(SETTINGS, form)
    assert refused.status_code == 400 and "A budget needs the price of each model." in refused.content.decode()
    assert client.post(SETTINGS, {**form, "price": "0.5", "fallback_price": "0.2"}).status_code == 302
    assistant.refresh_from_db()
    assert (assistant.monthly_limit, assistant.price, assistant.fallback_provider) == (100, Decimal("0.5"), "gigachat")
    spend(assistant, 1000, Decimal("12.34"))
    page = client.get(SETTINGS).content.decode()
    assert "12.34 ₽ of 100 ₽" in page and "credential_fallback_client_secret" in page
