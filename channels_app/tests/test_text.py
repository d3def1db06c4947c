"""Long texts leave in pieces, each whole in itself."""

import pytest

from channels_app.telegram.outgoing import units
from channels_app.text import split_marked, split_text
from omnisupport.lib.markup import HTML, PLAIN, translate


def shown(text: str) -> str:
    return " ".join(translate(text, PLAIN).split())


@pytest.mark.parametrize(
    "text",
    [
        "**" + "слово " * 1000 + "конец** и дальше " + "ещё " * 500,
        "_" + "курсив " * 900 + "и всё_",
        "~~" + "старая цена " * 600 + "нет~~",
        "**жирный и _курсив " + "внутри " * 900 + "всё_ конец**",
        "начало " * 500 + "`" + "код " * 600 + "конец`",
        "```\n" + "строка кода\n" * 500 + "```\nпосле",
        "текст " * 681 + "[очень длинное название ссылки](https://shop.example/a) и хвост",
    ],
)
def test_no_mark_is_cut_in_two(text):
    pieces = split_marked(text, 4096, units)
    assert len(pieces) > 1 and all(units(piece) <= 4096 for piece in pieces)
    assert " ".join(shown(piece) for piece in pieces) == shown(text)
    for piece in pieces:
        drawn = translate(piece, HTML)
        assert all(
            drawn.count(f"<{tag}") == drawn.count(f"</{tag}") for tag in ("b>", "i>", "s>", "code>", "pre>", "a")
        )


def test_what_only_looks_like_a_mark_stays_as_typed():
    text = "snake_case 5*3 ** a ~~ " * 300
    assert " ".join(split_marked(text, 4096)) == text.strip()


def test_a_sign_of_several_characters_stays_whole():
    family = "👨\u200d👩\u200d👧"
    pieces = split_text("x" + family * 1000, 4096, units)
    assert all(piece.removeprefix("x").replace(family, "") == "" for piece in pieces)
    assert "".join(pieces) == "x" + family * 1000
