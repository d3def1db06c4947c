"""A set of questions on the command line: every figure, and when the command fails."""

import json

import pytest
from django.core.management import CommandError, call_command

from ai_assistant import tasks
from ai_assistant.evaluation import Case, CaseError, judge, read_cases, summarize
from ai_assistant.evaluation.scoring import says
from ai_assistant.models import Answer
from ai_assistant.services.asking import ask
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.tests.conftest import OPENAI_KEYS, QUESTION
from ai_assistant.tests.conftest import says as model_says
from tests.standins.openai import error
from tickets.models import Ticket

SET = [
    {"question": QUESTION, "expected_sources": ["возврат"], "expected_answer": "45 дней"},
    {
        "question": "Сколько стоит доставка в Казань?",
        "expected_sources": ["Доставка", "Возврат"],
        "expected_answer": "450 ₽",
    },
    {"question": "Сколько стоит доставка в Москву?", "expected_sources": ["Пригород"], "expected_answer": "300 ₽"},
    {"question": "Do you sell parachutes for jumping?", "answerable": False},
    {"question": "Продаёте ли вы парашюты?", "note": "a field of somebody's own"},
]


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in SET) + "\n\n", encoding="utf-8")
    return path


def test_a_set_is_measured_in_the_worker_without_side_effects(worker, questions, capsys):
    call_command("evaluate", "--schema", worker.schema, "--set", str(questions), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["questions"], told["passed"], told["errors"]) == (5, 3, 0)
    assert [row["failure"] for row in told["results"]] == ["", "", "source", "", "handed_over"]
    assert [row["rank"] for row in told["results"]] == [1, 1, 0, None, None]
    assert told["recall@1"] == told["recall@5"] == told["mrr"] == 0.6667
    assert told["groundedness"] == 1.0
    assert (told["abstention_precision"], told["abstention_recall"]) == (0.5, 1.0)
    assert told["p95"] >= told["p50"] > 0 and told["cost"] is None
    assert not Answer.objects.exists() and not Ticket.objects.exists()


def test_the_figures_as_lines_and_what_is_required(worker, questions, capsys):
    command = ("evaluate", "--schema", worker.schema, "--set", str(questions), "--price", "0.4")
    call_command(*command, "--require", "abstention_recall=1")
    lines = capsys.readouterr().out
    for shown in ("source      Сколько стоит доставка в Москву?", "recall@5      0.667", "abstention    precision 0.500",
                  "passed        3 of 5, 0 errors", " tokens, 0.00"):  # fmt: skip
        assert shown in lines, lines
    with pytest.raises(CommandError, match=r"recall@5 is 0\.667, required 0\.9") as missed:
        call_command(*command, "--require", "recall@5=0.9", "--require", "mrr=0.1")
    assert missed.value.returncode == 1
    for nonsense in ("recall@5", "beauty=0.5", "mrr=2", "mrr=-0.1", "mrr=nan"):
        with pytest.raises(CommandError, match="FIGURE=SHARE"):
            call_command(*command, "--require", nonsense)


def test_another_provider_for_one_run(worker, questions, openai, capsys):
    """The workspace's own model is not asked, and its settings stay."""
    assistant = ensure_assistant()
    assistant.provider, assistant.credentials = "openai_compatible", OPENAI_KEYS
    assistant.save()
    call_command("evaluate", "--schema", worker.schema, "--set", str(questions), "--provider", "extractive")
    assert "passed        3 of 5" in capsys.readouterr().out and openai.requests == []
    assert ensure_assistant().provider == "openai_compatible"


def test_what_cannot_be_measured(shop, questions, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks.ask_in_worker, "__kwdefaults__", {"timeout": 0.3})
    for schema, path, complaint in (
        (shop.schema, questions, "не ответил"),  # nobody works
        ("t_nowhere", questions, "no workspace"),
        (shop.schema, tmp_path / "absent.jsonl", "absent"),
    ):
        with pytest.raises(CommandError, match=complaint) as failed:
            call_command("evaluate", "--schema", schema, "--set", str(path))
        assert failed.value.returncode == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"question": "?"}\n{"question"', "line 2: JSON"),
        ("[1]", "line 1: JSON"),
        ('{"q": "?"}', "line 1: question"),
        ('{"question": "?", "answerable": "perhaps"}', "line 1: answerable"),
        ('{"question": "?", "language": "de"}', "line 1: language"),
        ("\n \n", "no questions"),
    ],
)
def test_a_set_that_is_none(text, complaint):
    with pytest.raises(CaseError, match=complaint):
        read_cases(text)


# ---- The judgement ---------------------------------------------------------------------------------------------------


def test_an_error_of_the_model_is_no_abstention(library, model):
    model.script(*[error(401, "Incorrect API key provided", "invalid_api_key")] * 3)
    verdict = judge(Case(question=QUESTION, answerable=False), ask(QUESTION))
    assert verdict.failure == "error"
    summary = summarize([verdict])
    assert (summary.errors, summary.passed, summary.abstention_recall) == (1, 0, None)


def test_a_draft_that_the_checks_refused_costs_groundedness(library, model):
    model.script(model_says("Вернуть можно за 60 дней. [1]"), model_says("Вернуть можно за 45 дней. [1]"))
    verdict = judge(Case(question=QUESTION, expected_answer="Вернуть за 45 дней"), ask(QUESTION))
    assert (verdict.failure, verdict.drafts, verdict.passed_drafts) == ("", 2, 1)
    assert summarize([verdict], price=2.0).groundedness == 0.5 and verdict.tokens > 0


def test_the_cost_is_of_all_tokens(library, model):
    verdicts = [judge(Case(question=QUESTION), ask(QUESTION)) for _ in range(2)]
    assert summarize(verdicts, price=500.0).cost == sum(verdict.tokens for verdict in verdicts) / 2


@pytest.mark.parametrize(
    ("text", "expected", "is_said"),
    [
        ("Байдарки возвращают в течение 45 дней [1]", "вернуть байдарку: 45 дней", True),
        ("Возврат в течение 60 дней [45]", "45 дней", False),
        ("Доставка стоит 6 000 ₽", "6000 ₽", True),
        ("Мы работаем без выходных", "Курьер приезжает завтра", False),
        ("Что угодно", "", True),
    ],
)
def test_what_counts_as_said(text, expected, is_said):
    assert says(text, expected) is is_said
