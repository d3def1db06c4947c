"""Fixed questions: what is the same question, what is not, and who answers."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from ai_assistant.fixed_questions import question_key
from ai_assistant.models import Answer, CustomAnswer
from ai_assistant.services.asking import ask
from ai_assistant.services.custom_answers import save_custom_answer, set_file
from ai_assistant.services.suggesting import suggest_reply
from ai_assistant.tests.conftest import QUESTION
from omnisupport.lib.errors import Conflict

HOURS = "Какой у вас график работы?"
ANSWER = "Работаем каждый день с 9 до 21."
PAGE, API, JSON = "/assistant/custom/", "/api/v1/custom-answers/", "application/json"


@pytest.fixture
def hours(shop):
    return save_custom_answer(None, questions=[HOURS, "До скольки вы работаете?"], text=ANSWER, user=shop.admin)


@pytest.fixture
def woken(monkeypatch):
    names = []
    for module in ("ai_assistant.views_custom", "ai_assistant.api"):
        monkeypatch.setattr(f"{module}.wake", lambda task: names.append(task.name.split(".")[-1]))
    return names


# ---- The same question -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        "какой график работы", "Какой график вашей работы??",
        "Здравствуйте! Подскажите, пожалуйста, какой у вас график работы? Спасибо!",
        "Добрый день\nграфик работы какой", "КАКОЙ У ВАС ГРАФИК РАБОТЫ",
    ],
)  # fmt: skip
def test_forms_order_and_courtesy_do_not_matter(same):
    assert question_key(same) == question_key(HOURS) != ""


@pytest.mark.parametrize(
    "other",
    [
        "Какой у вас график работы в праздники?", "График работы", "Какой у курьера график работы?",
        "Какой график работы? И сколько стоит доставка?", "Почему ваш график работы такой?", "Какой у вас график доставки?",
    ],
)  # fmt: skip
def test_a_further_or_another_word_is_another_question(other):
    assert question_key(other) != question_key(HOURS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Можно вернуть товар?", "Можно не вернуть товар?"),
        ("Вернуть за 14 дней?", "Вернуть за 30 дней?"),
        ("Как вернуть товар?", "Где вернуть товар?"),
        ("Can I return it?", "Can I not return it?"),
    ],
)
def test_not_where_numbers_and_question_words_count(one, other):
    assert question_key(one) != question_key(other)


@pytest.mark.parametrize("nothing", ["", "Здравствуйте!", "Спасибо большое", "👍", "пожалуйста"])
def test_what_asks_nothing_has_no_key(nothing):
    assert question_key(nothing) == ""


# ---- Answering -------------------------------------------------------------------------------------------------------


def test_it_is_given_word_for_word_without_search_or_model(talk, model, hours):
    receipt = talk.asks("Здравствуйте", "Подскажите, до скольки работаете?")
    assert receipt.outcome == "answered" and talk.last().text == ANSWER
    assert model.requests == [] and receipt.passages == [] and receipt.custom_answer == hours
    hours.refresh_from_db()
    assert hours.uses == 1 and hours.last_used_at is not None
    page = talk.shop.client(talk.shop.agent).get(f"/assistant/answers/{receipt.id}/").content.decode()
    assert f"/assistant/custom/{hours.id}/" in page and HOURS in page


def test_another_question_goes_the_usual_way(talk, hours):
    assert talk.asks(QUESTION).custom_answer is None and "45 дней" in talk.last().text
    hours.refresh_from_db()
    assert hours.uses == 0


def test_a_wish_for_a_person_comes_before_it(talk, hours):
    assert talk.asks("Позовите оператора", HOURS).reason == "asked"


def test_out_of_use_it_is_not_given(talk, hours):
    save_custom_answer(hours, questions=hours.questions, text=ANSWER, is_active=False)
    assert talk.asks(HOURS).reason == "no_source"


def test_the_playground_gives_it_without_counting(library, hours):
    result = ask(HOURS)
    assert (result["outcome"], result["text"], result["custom_answer_id"]) == ("answered", ANSWER, hours.id)
    assert CustomAnswer.objects.get().uses == 0


def test_an_agent_gets_it_as_a_suggestion(talk, hours):
    talk.shop.channel.assistant_mode = "suggest"
    talk.shop.channel.save()
    talk.ticket = talk.shop.customer_writes(HOURS).ticket
    suggest_reply(talk.ticket.id)
    assert (talk.receipt().text, talk.receipt().outcome) == (ANSWER, "suggested")
    assert CustomAnswer.objects.get().uses == 0


def test_its_file_goes_with_every_answer(talk, hours):
    set_file(hours, SimpleUploadedFile("график.txt", "с 9 до 21".encode()))
    for _again in range(2):
        talk.asks(HOURS)
        (file,) = talk.last().attachments.all()
        assert file.name == "график.txt" and file.file.read().decode() == "с 9 до 21"
    set_file(hours, None)
    talk.asks(HOURS)
    assert not talk.last().attachments.exists()


def test_a_file_that_cannot_be_read_means_a_person(talk, hours):
    set_file(hours, SimpleUploadedFile("график.txt", b"9-21"))
    hours.file.storage.delete(hours.file.name)
    assert talk.asks(HOURS).reason == "error"


def test_a_deleted_one_leaves_its_receipts(talk, hours):
    talk.asks(HOURS)
    hours.delete()
    assert Answer.objects.get().text == ANSWER


# ---- Writing them ----------------------------------------------------------------------------------------------------


def test_a_question_has_one_answer(hours):
    with pytest.raises(Conflict):
        save_custom_answer(None, questions=["Как доехать?", "какой график вашей работы"], text="Иначе.")
    assert save_custom_answer(hours, questions=[HOURS], text="Иначе.").text == "Иначе."


def test_on_the_pages(shop, woken):
    admin, agent = shop.client(shop.admin), shop.client(shop.agent)
    form = {"questions": f"{HOURS}\n\nДо скольки вы работаете?", "text": ANSWER, "is_active": "on"}
    assert admin.post(PAGE, form).status_code == 302
    custom = CustomAnswer.objects.get()
    assert custom.questions == [HOURS, "До скольки вы работаете?"] and custom.created_by == shop.admin
    page = agent.get(PAGE).content.decode()
    assert HOURS in page and ANSWER in page and "A new custom answer" not in page
    assert agent.post(PAGE, form).status_code == 403
    assert agent.post(f"{PAGE}{custom.id}/", form).status_code == 403
    assert admin.post(PAGE, form).status_code == 400  # it is there already
    assert admin.post(PAGE, {**form, "questions": "Спасибо!"}).status_code == 400
    assert admin.post(f"{PAGE}{custom.id}/", {**form, "text": "С 10 до 20."}).status_code == 302
    custom.refresh_from_db()
    assert custom.text == "С 10 до 20." and not agent.get(f"{PAGE}{custom.id}/").content.decode().count(
        "Delete this answer"
    )
    assert admin.post(f"{PAGE}{custom.id}/delete/").status_code == 302
    assert not CustomAnswer.objects.exists() and woken == ["run_saved_questions"] * 3


def test_a_file_on_the_page_and_over_the_api(shop, hours, woken):
    admin = shop.client(shop.admin)
    form = {"questions": HOURS, "text": ANSWER, "is_active": "on"}
    url = f"{PAGE}{hours.id}/"
    assert admin.post(url, {**form, "file": SimpleUploadedFile("a.txt", b"9-21")}).status_code == 302
    assert "a.txt" in admin.get(url).content.decode() and "a.txt" in admin.get(PAGE).content.decode()
    assert admin.post(url, {**form, "text": "Иначе.", "file": SimpleUploadedFile("a.exe", b"MZ")}).status_code == 400
    hours.refresh_from_db()
    assert (hours.file_name, hours.text) == ("a.txt", ANSWER)
    admin.post(url, {**form, "without_file": "on"})
    api = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    address = f"{API}{hours.id}/file/"
    body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("b.txt", b"9-21")})
    assert api.get(f"{API}{hours.id}/").json()["file_name"] == ""
    assert api.put(address, body, MULTIPART_CONTENT).json()["file_name"] == "b.txt"
    assert api.delete(address).status_code == 204
    hours.refresh_from_db()
    assert not hours.file


def test_over_the_api(shop, woken):
    admin = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.admin)}")
    agent = shop.client(HTTP_AUTHORIZATION=f"Bearer {shop.token(shop.agent)}")
    made = admin.post(API, {"questions": [HOURS], "text": ANSWER}, JSON)
    assert made.status_code == 201 and made.json()["uses"] == 0
    url = f"{API}{made.json()['id']}/"
    assert admin.patch(url, {"is_active": False}, JSON).json()["questions"] == [HOURS]
    assert not CustomAnswer.objects.get().is_active
    assert admin.post(API, {"questions": ["  "], "text": ANSWER}, JSON).status_code == 400
    assert admin.post(API, {"questions": [HOURS], "text": ANSWER}, JSON).status_code == 409
    assert agent.post(API, {"questions": ["Где вы?"], "text": "Тверская, 1"}, JSON).status_code == 403
    assert [row["text"] for row in agent.get(API).json()["results"]] == [ANSWER]
    assert admin.delete(url).status_code == 204 and woken == ["run_saved_questions"] * 3
