"""Long texts in pieces, for places that know marks and for those that do not."""

import pytest

from channels_app.max.outgoing import TEXT_LIMIT, markup_length
from channels_app.telegram.outgoing import units
from channels_app.text import split_marked, split_text
from omnisupport.lib.markup import HTML, PLAIN, translate

FAMILY, FLAG, THUMB, ACCENT = "👨‍👩‍👧‍👦", "🇷🇺", "👍🏽", "е́"


@pytest.mark.parametrize("text", ["&" * 9000, "<" * 9000, '"<&>' * 3000], ids=["ampersands", "angles", "mixed"])
def test_a_text_whose_every_character_is_escaped_ends_in_pieces_that_fit(text):
    pieces = split_marked(text, TEXT_LIMIT, markup_length)
    assert "".join(pieces) == text
    assert all(0 < markup_length(piece) <= TEXT_LIMIT for piece in pieces)


@pytest.mark.parametrize("sign", [FAMILY, FLAG, THUMB, ACCENT])
@pytest.mark.parametrize("limit", range(100, 112))
def test_no_sign_is_parted_from_its_own_half(sign, limit):
    pieces = split_text("a" + sign * 200, limit)
    assert "".join(pieces) == "a" + sign * 200
    assert all(piece.removeprefix("a").replace(sign, "") == "" for piece in pieces)


@pytest.mark.parametrize(
    ("mark", "tag"), [("**", "b"), ("_", "i"), ("~~", "s")], ids=["bold", "italic", "struck through"]
)
def test_what_is_marked_across_a_cut_is_marked_on_both_sides(mark, tag):
    first, second = split_marked(
        f"Начало {mark}{'слово ' * 30}конец{mark} и всё", 150, lambda text: len(translate(text, HTML))
    )
    first, second = translate(first, HTML), translate(second, HTML)
    assert first.startswith(f"Начало <{tag}>слово") and first.endswith(f"слово</{tag}>")
    assert second.startswith(f"<{tag}>слово") and second.endswith(f"конец</{tag}> и всё")
    assert max(len(first), len(second)) <= 150 and mark not in first + second


def test_marks_inside_each_other_are_closed_and_opened_in_order():
    pieces = split_marked(f"**жирно _и криво {'слово ' * 30}конец_**", 120)
    shown = [translate(piece, HTML) for piece in pieces]
    assert len(shown) > 1
    assert all(piece.startswith("<b>") and piece.endswith("</i></b>") and "_" not in piece for piece in shown)


def test_a_block_of_code_is_one_in_every_piece_and_keeps_its_indentation():
    code = "\n".join(f"    line_{number} = a_b_c" for number in range(20))
    pieces = split_marked(f"Вот:\n```\n{code}\n```\nГотово", 200)
    shown = [translate(piece, HTML) for piece in pieces]
    assert [piece.count("<pre>") for piece in shown] == [piece.count("</pre>") for piece in shown] == [1] * len(shown)
    assert all("```" not in piece and len(source) <= 200 for piece, source in zip(shown, pieces, strict=True))
    lines = [line for piece in shown for line in piece.replace("</pre>", "").split("<pre>")[1].splitlines()]
    assert [line for line in lines if "line_" in line] == code.splitlines()


def test_a_link_goes_whole_into_the_next_piece():
    link = "[условия доставки по городу](https://shop.example/a_b_(c)?x=1&y=2)"
    first, second = split_marked("слово " * 15 + link + " и дальше", 120)
    assert first == ("слово " * 15).strip()
    assert translate(second, PLAIN) == "условия доставки по городу (https://shop.example/a_b_(c)?x=1&y=2) и дальше"


def test_a_mark_that_would_stand_empty_moves_on():
    first, second = split_marked("слово " * 10 + "**жирные слова в конце**", 62)
    assert (first, second) == (("слово " * 10).strip(), "**жирные слова в конце**")


@pytest.mark.parametrize("text", ["", "  \n ", "коротко", "**жирно**", "a_b_c 2 * 3"])
def test_what_fits_is_left_as_it_is(text):
    assert split_marked(text, 100) == ([text.strip()] if text.strip() else [])


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
