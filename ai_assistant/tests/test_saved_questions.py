"""The release gate: questions that people saved are asked again after every change, and what became worse is told."""

import pytest

from ai_assistant import subscribers, tasks, views, views_questions
from ai_assistant.models import EvaluationResult, EvaluationRun, SavedQuestion
from ai_assistant.services import saved_questions
from ai_assistant.services.saved_questions import save_question, start_run
from ai_assistant.tests.conftest import QUESTION, RETURNS
from knowledge.models import Document
from knowledge.services.documents import delete_document
from omnisupport.lib.errors import InvalidInput
from tenants.events.models import Event

TESTS, RUN, SAVE = "/assistant/tests/", "/assistant/tests/run/", "/assistant/tests/save/"


@pytest.fixture
def woken(monkeypatch):
    """The tasks that were called instead of being sent."""
    calls = []
    for module in (subscribers, tasks, views, views_questions):
        monkeypatch.setattr(module, "wake", lambda task, *args, **options: calls.append(task.name.rpartition(".")[2]))
    return calls


@pytest.fixture
def returns(library):
    saved, _new = save_question(
        question=QUESTION, answerable=True, expected_sources=["Возврат"], expected_answer="45 дней"
    )
    return saved


@pytest.fixture
def parachutes(library):
    return save_question(question="Продаёте ли вы парашюты?", answerable=False)[0]


def work():
    """What the worker does when it is woken."""
    tasks.run_saved_questions.run()


def failures():
    return {id: result.failure for id, result in saved_questions.last_results().items()}


# ---- Saving ----------------------------------------------------------------------------------------------------------


def test_a_receipt_becomes_a_test_question(talk):
    receipt = talk.asks(QUESTION)
    agent = talk.shop.client(talk.shop.agent)
    page = agent.get(f"/assistant/answers/{receipt.id}/").content.decode()
    assert f'name="source" value="{receipt.passages[0]["title"]}"' in page and 'name="answerable"' in page
    answer = agent.post(SAVE, {"question": QUESTION, "answerable": "1", "source": ["Возврат", "Возврат", " "]})
    saved = SavedQuestion.objects.get()
    assert answer["Location"] == f"{TESTS}{saved.id}/"
    assert (saved.question, saved.answerable, saved.expected_sources) == (QUESTION, True, ["Возврат"])
    assert saved.created_by == talk.shop.agent
    handed_over = talk.asks("Продаёте ли вы парашюты?")
    assert 'name="answerable"' not in agent.get(f"/assistant/answers/{handed_over.id}/").content.decode()


def test_the_same_question_is_one_test(shop, returns):
    agent = shop.client(shop.agent)
    assert agent.post(SAVE, {"question": f" {QUESTION} "})["Location"] == f"{TESTS}{returns.id}/"
    assert SavedQuestion.objects.get().answerable is True


def test_what_is_expected_can_be_changed_and_is_then_measured_anew(shop, returns, woken):
    work()
    agent, page = shop.client(shop.agent), f"{TESTS}{returns.id}/"
    changed = {
        "question": QUESTION,
        "answerable": "on",
        "expected_sources": "Возврат\n\nПравила ",
        "expected_answer": "60 дней",
    }
    assert agent.post(page, changed)["Location"] == TESTS
    returns.refresh_from_db()
    assert returns.expected_sources == ["Возврат", "Правила"] and returns.expected_answer == "60 дней"
    assert "not asked yet" in agent.get(TESTS).content.decode()
    start_run()
    work()
    assert failures() == {returns.id: "words"} and saved_questions.regressions() == []
    assert "45 дней" in agent.get(page).content.decode()


def test_a_question_that_is_there_already_is_refused(shop, returns, parachutes):
    answer = shop.client(shop.agent).post(f"{TESTS}{parachutes.id}/", {"question": QUESTION})
    assert answer.status_code == 400 and "There is such a question already." in answer.content.decode()
    parachutes.refresh_from_db()
    assert parachutes.question == "Продаёте ли вы парашюты?"


def test_an_empty_question_is_none(shop):
    shop.client(shop.agent).post(SAVE, {"question": "  "})
    assert not SavedQuestion.objects.exists()


def test_strangers_see_and_run_nothing(shop, rival, returns):
    for client in (shop.client(), rival.client(rival.admin)):
        for path in (RUN, SAVE, f"{TESTS}{returns.id}/delete/"):
            assert client.post(path, {"question": "?"}, HTTP_HOST=shop.host).status_code == 302
    assert SavedQuestion.objects.count() == 1 and not EvaluationRun.objects.exists()
    assert rival.client(rival.admin).get(f"{TESTS}{returns.id}/").status_code == 404


# ---- Running ---------------------------------------------------------------------------------------------------------


def test_all_questions_are_asked_at_once(shop, returns, parachutes, woken):
    agent = shop.client(shop.agent)
    assert agent.post(RUN)["Location"] == TESTS
    assert woken == ["run_saved_questions"]
    waiting = agent.get(TESTS).content.decode()
    assert "Asking: 0 of 2" in waiting and 'max="2" value="0"' in waiting
    work()
    run = EvaluationRun.objects.get()
    assert failures() == {returns.id: "", parachutes.id: ""}
    assert run.started_by == shop.agent and run.finished_at and not run.is_running
    assert (run.summary["passed"], run.summary["recall@1"], run.summary["abstention_recall"]) == (2, 1.0, 1.0)
    page = agent.get(TESTS).content.decode()
    assert "Last run: 2 of 2 as expected" in page and page.count("badge--ok") == 2 and "2 as expected</title>" in page


def test_a_run_goes_on_where_its_worker_died(shop, returns, parachutes, monkeypatch, woken):
    start_run()
    ask, asked = saved_questions.ask, []

    def dies(question, **_settings):
        if asked:
            raise SystemExit
        asked.append(question)
        return ask(question)

    monkeypatch.setattr(saved_questions, "ask", dies)
    with pytest.raises(SystemExit):
        work()
    monkeypatch.setattr(saved_questions, "ask", lambda question, **_settings: asked.append(question) or ask(question))
    work()
    assert asked == [returns.question, parachutes.question]
    assert EvaluationRun.objects.get().summary["passed"] == 2


def test_one_run_at_a_time(returns):
    assert start_run() == start_run()
    assert EvaluationRun.objects.count() == 1


def test_nothing_to_run(shop):
    with pytest.raises(InvalidInput):
        start_run()
    shop.client(shop.agent).post(RUN)
    assert not EvaluationRun.objects.exists()


def test_a_question_that_breaks_does_not_hold_up_the_others(returns, parachutes, monkeypatch, woken):
    ask = saved_questions.ask
    monkeypatch.setattr(
        saved_questions, "ask", lambda question, **_settings: 1 / 0 if question == QUESTION else ask(question)
    )
    work()
    assert failures() == {returns.id: "error", parachutes.id: ""}


# ---- The gate --------------------------------------------------------------------------------------------------------


def test_a_removed_document_is_noticed(shop, returns, parachutes, woken):
    work()
    delete_document(Document.objects.get(title="Возврат").id)
    subscribers.ask_saved_questions(Event.objects.filter(type="document.changed").latest("id"))
    assert woken == ["run_saved_questions"]
    agent, admin = shop.client(shop.agent), shop.client(shop.admin)
    assert "Documents or settings have changed" in agent.get(TESTS).content.decode()
    work()
    assert [result.question for result in saved_questions.regressions()] == [returns]
    for page in (agent.get(TESTS), admin.get("/assistant/settings/")):
        told = page.content.decode()
        assert "1 test question has become worse" in told and QUESTION in told
    # It stays told until it is mended, however often it is asked.
    start_run()
    work()
    assert len(saved_questions.regressions()) == 1


def test_a_mended_document_ends_the_warning(shop, returns, add, woken):
    work()
    delete_document(Document.objects.get(title="Возврат").id)
    work()
    add(RETURNS + "\nЕщё строка.\n", "vozvrat-2.md")
    work()
    assert saved_questions.regressions() == []
    assert list(EvaluationResult.objects.order_by("id").values_list("failure", flat=True)) == ["", "handed_over", ""]


def test_new_settings_are_tried(shop, returns, woken):
    work()
    form = {"is_active": "on", "provider": "extractive", "max_turns": 5, "guidance": "Будь краток."}
    assert shop.client(shop.admin).post("/assistant/settings/", form).status_code == 302
    assert woken == ["run_saved_questions"]
    work()
    assert EvaluationRun.objects.count() == 2


def test_without_a_change_nothing_is_asked_again(returns, woken):
    for _again in range(2):
        work()
    assert EvaluationRun.objects.count() == 1 and woken == []


def test_it_waits_until_all_documents_are_at_rest(returns, woken):
    work()
    Document.objects.filter(title="Возврат").update(version=7, state="indexing")
    work()
    assert EvaluationRun.objects.count() == 1
    Document.objects.update(state="ready")
    work()
    assert EvaluationRun.objects.count() == 2


def test_documents_of_a_workspace_without_questions_wake_nobody(library, woken):
    subscribers.ask_saved_questions(Event.objects.filter(type="document.changed").latest("id"))
    assert woken == []
