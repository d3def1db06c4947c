"""Decided by code: who wants a person, who complains, who only greets."""

import pytest

from ai_assistant.triggers import is_complaint, points_back, small_talk_kind, wants_person


@pytest.mark.parametrize(
    "text",
    [
        "Позовите оператора",
        "позови менеджера плиз",
        "Оператор!",
        "оператора",
        "опертора пожалуйста",
        "соедините меня с оператором",
        "Соедините, пожалуйста, со специалистом поддержки",
        "переключите на человека",
        "Переведите меня на живого консультанта",
        "Хочу поговорить с человеком",
        "я хочу общаться с живым человеком",
        "можно мне поговорить с кем-нибудь живым",
        "мне нужен человек",
        "нужен оператор",
        "можно оператора?",
        "дайте оператора",
        "дайте мне живого человека",
        "хочу к оператору",
        "есть кто живой?",
        "есть ли у вас живые люди",
        "живой человек ответит?",
        "свяжите меня с поддержкой",
        "Свяжите с руководителем",
        "где менеджер?",
        "требую менеджера",
        "не хочу разговаривать с ботом",
        "хватит бота",
        "давайте без робота",
        "Надоел бот, позовите кого-нибудь",
        "перезвоните мне",
        "Здравствуйте, пусть мне ответит сотрудник",
        "Talk to a human",
        "I want to speak with a real person",
        "can I talk to someone?",
        "connect me to an agent please",
        "Could you transfer me to a representative",
        "human please",
        "operator",
        "I need an operator",
        "get me a manager",
        "Is there a real person here?",
        "live agent",
        "let me speak to your supervisor",
        "I don't want to talk to a bot",
        "no bots please",
        "please call me back",
        "chat with support",
    ],
)
def test_a_wish_for_a_person(text):
    assert wants_person([text])


@pytest.mark.parametrize(
    "text",
    [
        "Сколько человек вмещает палатка?",
        "Сколько нужно человек, чтобы собрать байдарку?",
        "Палатка на 4 человека",
        "5 человек",
        "для человека",
        "Можно ли человеку с инвалидностью заниматься греблей?",
        "Какой специалист проверяет товар?",
        "Есть ли поддержка Bluetooth?",
        "Хочу купить стол для сотрудника",
        "Можно сотруднику получить скидку?",
        "Телеграм-бот не работает",
        "Как подключить бота к каналу?",
        "Оператор сотовой связи не важен?",
        "Сколько стоит доставка?",
        "Курьер звонит перед доставкой?",
        "Вы позвоните мне перед доставкой?",
        "How many people fit into the tent?",
        "Does the kayak carry one person?",
        "What is the warranty?",
        "Which agent cleans the hull best?",
        "Do you support Apple Pay?",
    ],
)
def test_the_same_words_in_an_ordinary_question(text):
    assert not wants_person([text])


def test_a_lone_word_in_a_burst():
    assert wants_person(["Не могу найти, где оформить возврат моей байдарки", "оператор"])


@pytest.mark.parametrize(
    "text", ["Иду в суд", "Напишу в Роспотребнадзор", "вы меня обманули", "примите претензию", "this is fraud"]
)
def test_a_complaint(text):
    assert is_complaint(text)


@pytest.mark.parametrize("text", ["У меня нет претензий", "Сколько ждать посуду?", "Это не для судов?"])
def test_no_complaint(text):
    assert not is_complaint(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Привет", "greeting"),
        ("Добрый день!!!", "greeting"),
        ("Здравствуйте 👋", "greeting"),
        ("hi there", "greeting"),
        ("Good morning", "greeting"),
        ("Спасибо", "thanks"),
        ("Большое спасибо за помощь!", "thanks"),
        ("Всё понятно, спасибо, до свидания", "thanks"),
        ("нет, спасибо", "thanks"),
        ("Ок", "thanks"),
        ("👍", "thanks"),
        ("thank you so much!", "thanks"),
        ("Ok, got it. Bye", "thanks"),
        ("Привет, спасибо!", "thanks"),
        ("", ""),
        ("?", ""),
        ("Спасибо, а сколько стоит доставка?", ""),
        ("Привет, где заказ?", ""),
        ("Хорошо ли держит клей", ""),
        ("Не понятно", ""),
        ("ok google", ""),
    ],
)
def test_small_talk(text, kind):
    assert small_talk_kind(text) == kind


def test_small_talk_of_a_flood_is_looked_at_quickly():
    assert small_talk_kind("спасибо " * 1000 + "где заказ") == ""


@pytest.mark.parametrize("text", ["а в Казань?", "сколько она стоит?", "and what about shoes?", "Is it new?", "почём?"])
def test_a_question_that_points_back(text):
    assert points_back(text)


@pytest.mark.parametrize("text", ["Сколько стоит доставка?", "How long does the warranty last?"])
def test_a_question_that_stands_alone(text):
    assert not points_back(text)
