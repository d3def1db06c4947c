"""Settings that would make test questions worse wait, where an admin wants it so; what customers get is what is published."""

import pytest

from ai_assistant import api_settings, tasks, views
from ai_assistant.models import Assistant, EvaluationRun, SettingsChange
from ai_assistant.services import publishing, saved_questions
from ai_assistant.services.publishing import discard_draft, publish_draft, submit_settings, waiting_draft
from ai_assistant.services.saved_questions import save_question
from ai_assistant.tests.conftest import OPENAI_KEYS
from omnisupport.lib.errors import Conflict, InvalidInput
from tests.standins.openai import error

SETTINGS = "/assistant/settings/"
# The documents say nothing of presents, so the search is not quite sure.
QUESTION = "Сколько дней можно вернуть байдарку, полученную в подарок?"
WORSE = {"min_confidence": 1.0, "guidance": "Отвечай, только если уверен."}


@pytest.fixture(autouse=True)
def woken(monkeypatch):
    calls = []
    for module in (tasks, views, api_settings):
        monkeypatch.setattr(module, "wake", lambda task, *args, **options: calls.append(task.name.rpartition(".")[2]))
    return calls


@pytest.fixture
def gate(library, assistant):
    """One test question, which passes with what is published; changes that make it fail are held back."""
    save_question(question=QUESTION, answerable=True, expected_answer="45 дней")
    Assistant.objects.update(holds_back=True)
    work()
    return library


def work(times=3):
    """What the worker does, woken as often as it asks to be."""
    for _again in range(times):
        tasks.run_saved_questions.run()


def published():
    return Assistant.objects.get()


def test_worse_settings_wait_and_customers_do_not_get_them(gate, talk):
    assert submit_settings(changes=WORSE, user=gate.admin) is False
    work()
    draft = waiting_draft()
    assert [result.question.question for result in draft.worse] == [QUESTION] and draft.run.is_draft
    assert (published().guidance, published().min_confidence) == ("", 0.5)
    assert talk.asks(QUESTION).outcome == "answered"
    # What is published has not become worse, and its list says so.
    assert saved_questions.regressions() == [] and saved_questions.last_run().summary["passed"] == 1


def test_settings_that_are_not_worse_are_published_by_themselves(gate):
    assert submit_settings(changes={"guidance": "Будь краток."}, user=gate.admin) is False
    work()
    change = SettingsChange.objects.get()
    assert (published().guidance, change.state, change.ended_by, change.values) == (
        "Будь краток.",
        "published",
        None,
        {},
    )
    # Its run is now that of what is published: nothing is asked twice.
    assert EvaluationRun.objects.count() == 2 and not saved_questions.has_changed()
    assert not saved_questions.last_run().is_draft


def test_an_admin_publishes_all_the_same_and_the_reason_is_kept(gate, talk):
    submit_settings(changes=WORSE, user=gate.admin)
    work()
    with pytest.raises(InvalidInput):
        publish_draft(user=gate.owner, reason=" ")
    publish_draft(user=gate.owner, reason="Юристы просят")
    change = SettingsChange.objects.get()
    assert (change.state, change.ended_by, change.reason) == ("published", gate.owner, "Юристы просят")
    assert published().min_confidence == 1.0 and talk.asks(QUESTION).reason == "no_source"
    assert len(saved_questions.regressions()) == 1


def test_a_discarded_draft_leaves_nothing(gate):
    submit_settings(changes=WORSE, user=gate.admin)
    discard_draft(user=gate.admin)
    work()
    assert published().guidance == "" and SettingsChange.objects.get().values == {}
    with pytest.raises(Conflict):
        publish_draft(user=gate.admin, reason="Передумал")


def test_a_draft_is_changed_further_and_tried_anew(gate):
    submit_settings(changes=WORSE, user=gate.admin)
    work()
    submit_settings(changes={"min_confidence": 0.5}, user=gate.owner)
    assert waiting_draft().run is None
    work()
    assert published().guidance == WORSE["guidance"] and published().min_confidence == 0.5
    assert SettingsChange.objects.get().made_by == gate.owner


def test_a_draft_back_to_what_is_published_is_none(gate):
    submit_settings(changes={"guidance": "Иначе"}, user=gate.admin)
    assert submit_settings(changes={"guidance": ""}, user=gate.admin) is True
    assert waiting_draft() is None and SettingsChange.objects.get().state == "discarded"


def test_a_draft_that_waits_tries_again_when_documents_change(gate, add):
    submit_settings(changes={"guidance": "Будь краток."}, user=gate.admin)
    add("# Ещё\n\nСовсем другое.\n", "more.md")
    work()
    # First what is published, then the draft, both with the documents of today.
    assert list(EvaluationRun.objects.order_by("id").values_list("is_draft", flat=True)) == [False, False, False]
    assert published().guidance == "Будь краток."


def test_a_model_that_does_not_answer_is_not_published(gate, openai):
    openai.script(*[error(401, "Incorrect API key provided", "invalid_api_key")] * 4)
    submit_settings(changes={"provider": "openai_compatible"}, credentials=OPENAI_KEYS, user=gate.admin)
    work()
    assert published().provider == "extractive" and published().credentials == {}
    assert [result.failure for result in waiting_draft().worse] == ["error"]


def test_what_no_answer_depends_on_holds_at_once(gate):
    assert submit_settings(changes={"max_turns": 3, "guidance": "Иначе"}, user=gate.admin) is False
    assert (published().max_turns, published().guidance) == (3, "")


def test_two_admins_end_it_once(gate):
    submit_settings(changes=WORSE, user=gate.admin)
    seen = waiting_draft()
    discard_draft(user=gate.admin)
    with pytest.raises(Conflict):
        publishing._publish(seen, gate.owner, "Всё равно")
    assert published().guidance == ""


@pytest.mark.parametrize("held_back", [True, False])
def test_without_the_wish_or_without_questions_all_is_published_at_once(library, assistant, held_back):
    Assistant.objects.update(holds_back=held_back)
    if not held_back:
        save_question(question=QUESTION, answerable=True)
    assert submit_settings(changes=WORSE, user=library.admin) is True
    change = SettingsChange.objects.get()
    assert published().guidance == WORSE["guidance"] and change.state == "published"
    assert set(change.fields) == {"min_confidence", "guidance"}


# ---- Pages -----------------------------------------------------------------------------------------------------------


def form_of(**changes):
    return {"is_active": "on", "provider": "extractive", "max_turns": 12, "holds_back": "on", **changes}


def test_the_settings_page_shows_what_waits_and_why(gate):
    admin = gate.client(gate.admin)
    assert admin.post(SETTINGS, form_of(min_confidence="1", guidance="Строго")).status_code == 302
    assert "have not been asked with them yet" in admin.get(SETTINGS).content.decode()
    work()
    page = admin.get(SETTINGS).content.decode()
    assert "1 test question would become worse" in page and QUESTION in page and "Строго" in page
    assert "settings that wait" in admin.get("/assistant/tests/").content.decode()
    admin.post(f"{SETTINGS}publish/", {"reason": ""})
    assert published().guidance == ""
    admin.post(f"{SETTINGS}publish/", {"reason": "Так надо"})
    assert published().guidance == "Строго" and "Так надо" in admin.get(SETTINGS).content.decode()


def test_only_admins_publish(gate, rival):
    submit_settings(changes=WORSE, user=gate.admin)
    for path in ("publish/", "discard/"):
        assert gate.client(gate.agent).post(f"{SETTINGS}{path}", {"reason": "x"}).status_code == 403
        rival.client(rival.admin).post(f"{SETTINGS}{path}", {"reason": "x"})
    with gate.enter():
        assert waiting_draft() is not None


def test_the_api_says_that_settings_wait(gate):
    client = gate.client(HTTP_AUTHORIZATION=f"Bearer {gate.token(gate.admin)}")
    answer = client.patch("/api/v1/assistant/", {"guidance": "Иначе"}, "application/json").json()
    assert (answer["guidance"], answer["waits"]) == ("", True)
    assert client.patch("/api/v1/assistant/", {"min_confidence": 3}, "application/json").status_code == 400
