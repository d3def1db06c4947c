"""Every page of a workspace opens for those who may see it, in both languages, with the strict policy, and for nobody else."""

import re

import pytest

from ai_assistant.evaluation import summarize
from ai_assistant.models import Answer, EvaluationRun
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.custom_answers import save_custom_answer
from ai_assistant.services.saved_questions import save_question
from ai_assistant.services.topics import save_topic
from tickets.services.views import save_view

PAGES = [
    ("/inbox/views/new/", "agent"), ("/inbox/views/{view}/", "agent"),
    ("/inbox/", "agent"), ("/dashboard/", "agent"), ("/assistant/playground/", "agent"), ("/assistant/answers/", "agent"),
    ("/assistant/unanswered/", "agent"), ("/assistant/answers/?wrong=any", "agent"),
    ("/assistant/tests/", "agent"), ("/assistant/tests/{question}/", "agent"),
    ("/assistant/custom/", "agent"), ("/assistant/custom/{custom}/", "agent"), ("/assistant/hours/", "admin"),
    ("/assistant/topics/", "admin"),
    ("/assistant/topics/{topic}/", "admin"),
    ("/assistant/settings/", "admin"), ("/assistant/settings/?provider=gigachat", "admin"), ("/channels/", "agent"),
    ("/assistant/search/?provider=gigachat", "admin"),
    ("/channels/add/telegram/", "admin"), ("/channels/add/widget/", "admin"), ("/channels/add/max/", "admin"),
    ("/channels/add/viber/", "admin"), ("/channels/add/vk/", "admin"), ("/channels/{channel}/", "admin"),
    ("/assistant/answers/{answer}/", "agent"), ("/accounts/me/", "agent"), ("/admin/", "admin"),
    ("/admin/knowledge/document/", "admin"), ("/api/v1/docs/", "nobody"), ("/accounts/login/", "nobody"),
    ("/demo-shop/", "nobody"), ("/notices/", "agent"), ("/notices/settings/", "agent"), ("/team/", "agent"),
]  # fmt: skip


@pytest.fixture
def ids(shop):
    message = shop.customer_writes()
    answer = Answer.objects.create(
        ticket_id=message.ticket_id, question_message_id=message.id, question="Где заказ?", outcome="answered", text="Едет [1]",
        passages=[{"n": 1, "title": "Доставка", "section": "Сроки", "page": 2, "text": "Едет", "score": 3.5, "used": True}],
    )  # fmt: skip
    ensure_assistant()
    topic = save_topic(None, name="Политика", phrases=["выборы"])
    custom = save_custom_answer(None, questions=["Где вы?", "Ваш адрес?"], text="Тверская, 1")
    question, _new = save_question(question="Где заказ?", answerable=True)
    run = EvaluationRun.objects.create(is_running=False, summary=summarize([]).to_json())
    run.results.create(
        question=question, handed_over=True, failure="handed_over", drafts=0, passed_drafts=0, ms=5, tokens=0
    )
    everything = {"groups": [{"conditions": [{"field": "priority", "op": "any", "value": ["4"]}]}]}
    view = save_view(None, user=shop.admin, name="Срочные", conditions=everything, visibility="everyone")
    return {
        "view": view.pk,
        "channel": shop.channel.id,
        "answer": answer.id,
        "question": question.id,
        "custom": custom.id,
        "topic": topic.id,
    }


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(("path", "who"), PAGES)
def test_a_page_opens_with_nothing_inline(shop, ids, path, who, language):
    client = shop.client({"agent": shop.agent, "admin": shop.admin, "nobody": None}[who])
    client.cookies["language"] = language
    answer = client.get(path.format(**ids))
    assert answer.status_code == 200
    html = answer.content.decode()
    assert f'lang="{language}"' in html or path in {"/api/v1/docs/", "/demo-shop/"}
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy and "unsafe-eval" not in policy
    scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")[^>]*>", html)
    assert scripts == [] and not re.search(r"\son\w+=\"", html)
    if path != "/api/v1/docs/":
        assert "unsafe-inline" not in policy and not re.search(r"<[^>]+\sstyle=\"", html)


@pytest.mark.parametrize(("path", "who"), [page for page in PAGES if page[1] != "nobody"])
def test_strangers_are_sent_to_the_login(shop, rival, ids, path, who):
    for client in (shop.client(), rival.client(rival.admin)):
        answer = client.get(path.format(**ids), HTTP_HOST=shop.host)
        assert answer.status_code == 302 and "login" in answer["Location"]


@pytest.mark.parametrize("path", [path for path, who in PAGES if who == "admin" and not path.startswith("/admin/")])
def test_agents_may_not_change_settings(shop, ids, path):
    assert shop.client(shop.agent).get(path.format(**ids)).status_code == 403
    assert shop.client(shop.agent).post(path.format(**ids), {}).status_code == 403


def test_keys_of_a_model_are_never_shown_again(shop, ids):
    admin = shop.client(shop.admin)
    form = {"is_active": "on", "provider": "openai_compatible", "max_turns": 5,
            "credential_base_url": "https://models.example/v1", "credential_api_key": "sk-CANARY",
            "credential_model": "m"}  # fmt: skip
    assert admin.post("/assistant/settings/", form).status_code == 302
    assert "CANARY" not in admin.get("/assistant/settings/").content.decode()
    assistant = ensure_assistant()
    assert assistant.credentials["api_key"] == "sk-CANARY"
    # The same key may not travel to an address that somebody else chose.
    moved = {**form, "credential_base_url": "https://evil.test/v1", "credential_api_key": ""}
    admin.post("/assistant/settings/", moved)
    assert ensure_assistant().credentials.get("api_key") != "sk-CANARY" or (
        ensure_assistant().credentials["base_url"] == "https://models.example/v1"
    )
