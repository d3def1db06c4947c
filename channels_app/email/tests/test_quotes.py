"""What is new in a reply, in the ways of ten mail programs."""

import pytest

from channels_app.email.plain import html_to_text
from channels_app.email.quotes import forwarded_from, is_forward_subject, is_reply_subject, split_quoted

REPLIES = {
    "Gmail": "Спасибо!\n\nвт, 17 нояб. 2026 г. в 11:02, Поддержка <help@omni.example>:\n\n> Чек отправлен.\n",
    "Gmail, wrapped": "Спасибо!\n\nвт, 17 нояб. 2026 г. в 11:02, Служба поддержки магазина\n<help@omni.example>:\n> Чек.",
    "Gmail in English": "Спасибо!\n\nOn Tue, Nov 17, 2026 at 11:02 AM Support <help@omni.example> wrote:\n> Sent.",
    "Gmail in English, wrapped": "Спасибо!\n\nOn Tue, Nov 17, 2026 at 11:02 AM Support <\nhelp@omni.example> wrote:\n\n> Sent.",
    "Yandex": 'Спасибо!\n\n17.11.2026, 11:02, "Поддержка" <help@omni.example>:\nЧек отправлен повторно.',
    "Mail.ru": "Спасибо!\n\n>Вторник, 17 ноября 2026, 11:02 +03:00 от Поддержка <help@omni.example>:\n>\n>Чек отправлен.",
    "Mail.ru, bare": "Спасибо!\n\nВторник, 17 ноября 2026, 11:02 +03:00 от Поддержка:\nЧек отправлен.",
    "Outlook": "Спасибо!\n\nОт: Поддержка <help@omni.example>\nОтправлено: 17 ноября 2026 г. 11:02\nКому: Павел\n"
    "Тема: Чек\n\nЧек отправлен.",
    "Outlook, ruled": "Спасибо!\n\n________________________________\nОт: Поддержка <help@omni.example>\n"
    "Отправлено: 17 ноября 2026 г. 11:02\nКому: Павел\nТема: Чек\n\nЧек отправлен.",
    "Outlook in English": "Спасибо!\n\nFrom: Support\nSent: Tuesday, November 17, 2026\nTo: Pavel\nSubject: Receipt\n\nSent.",
    "Outlook, older": "Спасибо!\n\n-----Исходное сообщение-----\nОт: Поддержка\nЧек отправлен.",
    "Thunderbird": "Спасибо!\n\n17.11.2026 11:02, Поддержка пишет:\n> Чек отправлен.\n\n-- \nПавел",
    "Apple Mail": "Спасибо!\n\n> 17 нояб. 2026 г., в 11:02, Поддержка <help@omni.example> написал(а):\n> \n> Чек отправлен.",
    "iPhone": "Спасибо!\n\nОтправлено с iPhone\n\n> 17 нояб. 2026 г., в 11:02, Поддержка <a@b.example> написал(а):\n> Чек.",
    "bare": "Спасибо!\n\n> Чек отправлен повторно.\n> Всего доброго.",
}


@pytest.mark.parametrize("program", REPLIES)
def test_each_program(program):
    new, quoted = split_quoted(REPLIES[program])
    assert new in {"Спасибо!", "Спасибо!\n\nОтправлено с iPhone"}
    assert "Чек" in quoted or "Sent" in quoted
    assert f"{new}{quoted}".replace("\n", "") != new


@pytest.mark.parametrize(
    "text",
    [
        "Мне менеджер написал:\nваш заказ готов",
        "Тема: возврат\nКому: вашему директору\nЗдравствуйте",
        "17.11.2026 в 11:02 приходил курьер:\nникого не было",
        "> Вы получили чек?\nДа.\n\n> А деньги?\nНет.",
        "17.11.2026 11:02, Поддержка пишет:\n> Вы получили чек?\nДа\n> А деньги?\nНет",
        "> только цитата",
        "Цена > 500 рублей\nи < 1000",
        "",
    ],
)
def test_everything_is_new_where_it_cannot_be_told_apart(text):
    assert split_quoted(text) == (text, "")


@pytest.mark.parametrize(
    "page",
    [
        '<div>Спасибо!</div><div class="gmail_quote"><div class="gmail_attr">вт, 17 нояб. 2026&nbsp;г. в 11:02, Поддержка '
        '&lt;<a href="mailto:s@o.example">s@o.example</a>&gt;:</div><blockquote class="gmail_quote">Чек</blockquote></div>',
        '<p>Спасибо!</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>От:</b> Поддержка<br><b>Отправлено:</b> '
        "17 ноября<br><b>Кому:</b> Павел<br><b>Тема:</b> Чек</div><div>Чек</div>",
        '<p>Спасибо!</p><div class="moz-cite-prefix">17.11.2026 11:02, Поддержка пишет:<br></div>'
        '<blockquote type="cite">Чек</blockquote>',
        '<div>Спасибо!</div><div> </div><div>17.11.2026, 11:02, "Поддержка" &lt;s@o.example&gt;:</div>'
        "<blockquote><p>Чек</p></blockquote>",
        '<div>Спасибо!</div><blockquote style="border-left:1px solid #0857A6">Вторник, 17 ноября 2026, 11:02 +03:00 от '
        "Поддержка &lt;s@o.example&gt;:<br>Чек</blockquote>",
        '<div>Спасибо!</div><div class="yahoo_quoted">Чек</div>',
    ],
)
def test_each_program_in_html(page):
    new, quoted = split_quoted(html_to_text(page))
    assert (new, "Чек" in quoted) == ("Спасибо!", True)


def test_subjects():
    assert all(map(is_reply_subject, ["Re: x", "RE[2]: x", "Отв: x", "ответ: x", " re : x"]))
    assert not any(map(is_reply_subject, ["Report: x", "Реклама", "Fwd: Re: x", ""]))
    assert all(map(is_forward_subject, ["Fwd: x", "FW: x", "Пересл: x"]))


@pytest.mark.parametrize(
    "text",
    [
        "Посмотрите\n\n---------- Forwarded message ---------\nОт: Игорь <igor@other.example>\nDate: пн\n\nЗаказ",
        "-------- Пересылаемое сообщение --------\nFrom: Игорь <igor@other.example>\nЗаказ",
        "Посмотрите\n\nОт: Игорь <igor@other.example>\nОтправлено: пн\nКому: Ольга\n\nЗаказ",
    ],
)
def test_whose_letter_is_forwarded(text):
    assert forwarded_from(text) == "Игорь <igor@other.example>"
