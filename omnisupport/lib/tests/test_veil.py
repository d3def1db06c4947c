"""What people see who may not see phones and e-mail addresses."""

import pytest

from omnisupport.lib.masking import veil, veil_html, veil_json


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Пишите на anna.petrova@mail.example!", "Пишите на a•••@m•••.example!"),
        ("Звоните: +7 (916) 123-45-67.", "Звоните: +7 ••• ••• 45 67."),
        ("89161234567 и 79161234568", "+7 ••• ••• 45 67 и +7 ••• ••• 45 68"),
        ("тел. 916 123 45 67", "тел. ••• ••• 45 67"),
        ("+49 151 12345678", "+4 ••• ••• 56 78"),
        ("WhatsApp · 4915112345678", "WhatsApp · +4 ••• ••• 56 78"),
        ("Мой номер 8 916 123-4", "Мой номер •••"),
        ("Заказ 12345, 15 900 ₽, 28.11.2026, горячая линия 8 800 555-35-35", None),
        ("Почтовое отправление 80123456789012", None),
    ],
)
def test_phones_and_addresses_can_be_told_apart_but_not_used(text, shown):
    assert veil(text) == (shown or text)
    assert veil(veil(text)) == veil(text)


def test_of_a_page_what_is_read_is_masked_and_what_works_is_not():
    page = (
        '<a class="x" href="/contacts/?q=a@b.ru" title="+79161234567" data-id="79161234567">a@bc.ru</a>'
        '<a href="mailto:a@bc.ru">x</a><input name="phone" value="+79161234567"><input type="hidden" value="+79161234567">'
        "<textarea>a@bc.ru</textarea><p data-bare>a@bc.ru</p><p>me@bc.ru</p>"
    )
    assert veil_html(page, spare="me@bc.ru") == (
        '<a class="x" href="/contacts/?q=a@b.ru" title="+7 ••• ••• 45 67" data-id="79161234567">a•••@b•••.ru</a>'
        '<a href="mailto:a•••@b•••.ru">x</a><input name="phone" value="+7 ••• ••• 45 67" disabled>'
        '<input type="hidden" value="+79161234567"><textarea>a@bc.ru</textarea><p data-bare>a@bc.ru</p><p>me@bc.ru</p>'
    )


def test_ids_and_moments_of_json_stay():
    value = {
        "id": "79161234-5678-4abc-9def-891612345678", "at": "2026-11-28T10:00:00.123456Z", "n": 79161234567,
        "phone": "+79161234567", "all": [{"email": "a@bc.ru"}],
    }  # fmt: skip
    assert veil_json(value) == {**value, "phone": "+7 ••• ••• 45 67", "all": [{"email": "a•••@b•••.ru"}]}
