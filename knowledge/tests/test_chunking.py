"""Chunks follow the structure of the document."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.chunking import MAXIMUM, TARGET, language_of, split
from knowledge.extract.elements import Element

LONG = "Это предложение о доставке и оплате, довольно длинное, чтобы занять место. "


def test_sections_make_chunks_with_their_path():
    pieces = split(
        [
            Element("title", "Доставка", 1, 1),
            Element("text", LONG * 6, page=1),
            Element("title", "Сроки", 2, 2, "terms"),
            Element("text", LONG * 6, page=2),
            Element("title", "Оплата", 1, 3),
            Element("text", LONG * 6, page=3),
        ]
    )
    assert [(p.heading_path, p.page, p.anchor) for p in pieces] == [
        ("Доставка", 1, ""),
        ("Доставка › Сроки", 2, "terms"),
        ("Оплата", 3, ""),
    ]


def test_tiny_sections_of_one_parent_share_a_chunk_and_keep_their_headings():
    pieces = split(
        [
            Element("title", "Вопросы", 1),
            Element("title", "Где чек?", 2),
            Element("text", "В письме."),
            Element("title", "Где заказ?", 2),
            Element("text", "В кабинете."),
        ]
    )
    assert [(p.heading_path, p.text) for p in pieces] == [("Вопросы", "Где чек?\nВ письме.\nГде заказ?\nВ кабинете.")]


def test_a_step_is_never_cut_and_stays_with_its_lead_in():
    steps = [Element("list", f"{n}. {LONG * 3}".strip()) for n in range(1, 13)]
    pieces = split([Element("text", LONG * 10), Element("text", "Сделайте так:"), *steps])
    for step in steps:
        assert sum(step.text in piece.text.split("\n") for piece in pieces) == 1
    lead = next(piece for piece in pieces if "Сделайте так:" in piece.text)
    assert steps[0].text in lead.text


def test_a_question_stays_with_its_answer():
    filler = [Element("text", LONG * 5), Element("text", LONG * 8)]
    pieces = split([*filler, Element("text", "Можно ли вернуть бельё?"), Element("text", "Нет. " + LONG * 3)])
    asked = next(piece for piece in pieces if "бельё?" in piece.text)
    assert "Нет. " in asked.text


def test_a_long_table_repeats_its_header_and_cuts_no_row():
    rows = [f"Товар {n} | {n * 10} ₽ | {LONG}".strip() for n in range(40)]
    pieces = split([Element("table", "\n".join(["Название | Цена | Описание", *rows]))])
    assert len(pieces) > 1
    assert all(piece.text.startswith("Название | Цена | Описание\n") for piece in pieces)
    assert [line for piece in pieces for line in piece.text.split("\n")[1:]] == rows


def test_a_long_paragraph_is_cut_between_sentences_with_an_overlap():
    sentences = [f"Предложение номер {n} говорит о чём-то важном для покупателя магазина." for n in range(60)]
    pieces = split([Element("text", " ".join(sentences))])
    assert all(piece.text.endswith(".") and len(piece.text) <= MAXIMUM for piece in pieces)
    assert pieces[1].text.split(". ")[0] + "." in pieces[0].text


def test_a_heading_with_nothing_below_it_is_still_found():
    assert [p.text for p in split([Element("title", "Закрыто на ремонт", 1)])] == ["Закрыто на ремонт"]
    pieces = split([Element("title", "Обложка", 1), Element("title", "Глава", 1), Element("text", LONG * 5)])
    assert "Обложка" in " ".join(p.text for p in pieces)


def test_language_is_told_by_the_letters():
    assert language_of("Установите OpenVPN из App Store") == "ru"
    assert language_of("Install the VPN; «да» means yes") == "en"


elements = st.builds(
    Element,
    kind=st.sampled_from(["title", "text", "list", "table"]),
    text=st.text(alphabet=st.sampled_from("абв где. ?:|\nX"), min_size=1, max_size=4000).filter(str.strip),
    level=st.integers(1, 6),
    page=st.none() | st.integers(1, 9),
)


# How fast the examples are made depends on what else the machine does.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(elements, max_size=12))
def test_whatever_comes_no_chunk_is_empty_or_endless_and_no_word_is_lost(given_elements):
    pieces = split(given_elements)
    assert all(piece.text.strip() and len(piece.text) <= MAXIMUM + TARGET for piece in pieces)
    kept = set(" ".join(f"{p.heading_path} {p.text}" for p in pieces).split())
    short = [e.text for e in given_elements if e.kind != "title" and len(e.text) < TARGET]
    assert {word for text in short for word in text.split()} <= kept
