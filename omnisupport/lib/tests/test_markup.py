"""What agents write, as each place shows it."""

import pytest

from omnisupport.lib.markup import HTML, PLAIN, Dialect, translate

WHATSAPP_LIKE = Dialect(bold=("*", "*"), italic=("_", "_"), strike=("~", "~"), code=("`", "`"), block=("```", "```"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**Важно**: _сегодня_ ~~завтра~~", "<b>Важно</b>: <i>сегодня</i> <s>завтра</s>"),
        ("`a < b` и **b & c**", "<code>a &lt; b</code> и <b>b &amp; c</b>"),
        ("[Доставка](https://shop.example/d?a=1&b=2)", '<a href="https://shop.example/d?a=1&amp;b=2">Доставка</a>'),
        ("до\n```\nif a < b:\n  **x**\n```\nпосле", "до\n<pre>if a &lt; b:\n  **x**</pre>\nпосле"),
        ("https://a.example/_x_/~~y~~?a=1&b и _да_", "https://a.example/_x_/~~y~~?a=1&amp;b и <i>да</i>"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('[x](javascript:alert(1)) [y](https://a.example/"onclick=1)', None),
    ],
)
def test_html(text, expected):
    shown = translate(text, HTML)
    if expected is None:
        assert "javascript" not in shown.partition("<a")[2] and '"onclick' not in shown
    else:
        assert shown == expected


@pytest.mark.parametrize(
    "text",
    [
        "5*3*2 = 30", "файл my_file_name_v2.txt", "* пункт один\n* пункт два", "2 ** 3", "**не закрыто", "[1] и [2]",
        "> цитата", "1. раз\n2. два\n\n   отступ", "a_b_c", "# заголовок", "\\*", "---", "", "😀 **", "цена ~100~200 ₽",
        "файл __init__.py и __name__",
    ],
)  # fmt: skip
def test_what_is_no_markup_stays_as_it_was_typed(text):
    assert translate(text, PLAIN) == text


def test_plain_keeps_the_address_of_a_link():
    text = "См. [доставку](https://shop.example) или [https://a.example](https://a.example), **скоро**"
    assert translate(text, PLAIN) == "См. доставку (https://shop.example) или https://a.example, скоро"


def test_another_dialect():
    text = "**жирно _и курсив_** `код`"
    assert translate(text, WHATSAPP_LIKE) == "*жирно _и курсив_* `код`"
