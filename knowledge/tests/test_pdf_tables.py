"""A table in a PDF is a table again, with lines or without; columns of prose, lists and margin numbers are not."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen import canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

import omnisupport.demo
from knowledge.chunking import split
from knowledge.extract import extract
from knowledge.extract.elements import Extraction

BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14)
GRID = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("VALIGN", (0, 0), (-1, -1), "TOP")]
PRICES = [
    ["Way", "Time", "Price"],
    ["Courier", "1 day", "250"],
    ["Pick-up point", "3 days", "190"],
    ["Post", "9 days", "90"],
]
PRICES_TEXT = "Way | Time | Price\nCourier | 1 day | 250\nPick-up point | 3 days | 190\nPost | 9 days | 90"
BEFORE = (
    "Orders that are paid before two o'clock leave our warehouse on the same day, later ones on the next working day."
)
AFTER = "Tents and boats go with a carrier; the manager names the price of it before you pay, and you may still say no then."
PROSE = (
    "Nobody who has walked along this river in the spring will forget how the water rises between the willows, carries off "
    "the planks of the landing stage and leaves the meadows full of small fish. "
)


@pytest.fixture
def read(tmp_path):
    def read(data: bytes) -> Extraction:
        path = tmp_path / "file"
        path.write_bytes(data)
        return extract(path, "a.pdf")

    return read


def pdf(*flow: Flowable) -> bytes:
    buffer = io.BytesIO()
    SimpleDocTemplate(buffer, pagesize=A4).build(list(flow))
    return buffer.getvalue()


def wrapped(rows: Sequence[Sequence[str]], widths: Sequence[float], style: Sequence[tuple[object, ...]] = ()) -> Table:
    return Table([[Paragraph(cell, BODY) for cell in row] for row in rows], colWidths=widths, style=style)


def tables(found: Extraction) -> list[str]:
    return [element.text for element in found.elements if element.kind == "table"]


def drawn(found: Extraction) -> list[tuple[str, str]]:
    return [(element.kind, element.text) for element in found.elements]


@pytest.mark.parametrize("style", [GRID, [], [("LINEBELOW", (0, 0), (-1, -1), 0.5, "black")]])
def test_a_table_stands_between_its_paragraphs(read, style):
    found = read(
        pdf(Paragraph(BEFORE, BODY), Spacer(1, 8), Table(PRICES, style=style), Spacer(1, 8), Paragraph(AFTER, BODY))
    )
    assert drawn(found) == [("text", BEFORE), ("table", PRICES_TEXT), ("text", AFTER)]


def test_cyrillic_cells_set_at_the_bottom_of_their_rows():
    found = extract(Path(omnisupport.demo.__file__).parent / "shop" / "dostavka-i-oplata.pdf", "a.pdf")
    assert tables(found) == [
        "Способ | Срок | Стоимость\nКурьер по Ярославлю | 1 день | 250 ₽\n"
        "Пункт выдачи в Москве и Санкт-Петербурге | 2–3 дня | 290 ₽\nПункт выдачи в других городах | 3–7 дней | 390 ₽\n"
        "Почта России | 5–14 дней | по тарифу почты, от 340 ₽"
    ]


@pytest.mark.parametrize("style", [GRID, [], [("VALIGN", (0, 0), (-1, -1), "TOP")]])
def test_wrapped_cells_are_one_line(read, style):
    rows = [
        ["Way of delivery", "What you should know", "Price"],
        ["Courier to the door, also on Saturdays", "He calls an hour before", "250"],
        ["Pick-up point", "Open from nine to nine; bring a passport and the number of the order", "190"],
        ["Post", "Slow", "by weight, from 90"],
    ]
    assert tables(read(pdf(wrapped(rows, (100, 130, 70), style)))) == ["\n".join(" | ".join(row) for row in rows)]


def test_a_ruled_table_of_questions_and_answers(read):
    rows = [["Question", "Answer"], [PROSE, PROSE + PROSE], [PROSE + PROSE, PROSE]]
    expected = "\n".join(" | ".join(cell.strip() for cell in row) for row in rows)
    assert tables(read(pdf(wrapped(rows, (200, 220), GRID)))) == [expected]


def test_an_empty_cell_keeps_its_place(read):
    rows = [["", "2024", "2025"], ["Income", "", "15.1"], ["Costs", "18.6", "17.3"], ["Balance", "-3.7", ""]]
    expected = [" | 2024 | 2025\nIncome |  | 15.1\nCosts | 18.6 | 17.3\nBalance | -3.7"]
    assert tables(read(pdf(Table(rows, style=GRID)))) == expected
    assert tables(read(pdf(Table(rows)))) == expected


def test_numbers_set_to_the_right_belong_to_their_heading(read):
    rows = [["Item", "Price, roubles, with tax"], ["Kettle", "1 250"], ["Iron", "980"], ["Lamp", "70"]]
    table = Table(rows, style=[("ALIGN", (1, 1), (1, -1), "RIGHT")])
    assert tables(read(pdf(table))) == ["\n".join(" | ".join(row) for row in rows)]


def test_a_row_that_names_one_thing_several_times_over_is_several_rows(read):
    rows = [
        ["City", "Way", "Price"],
        ["Omsk", "Courier", "700"],
        ["", "Post", "300"],
        ["Tver", "Courier", "350"],
        ["", "Post", "200"],
    ]
    assert tables(read(pdf(Table(rows)))) == [
        "City | Way | Price\nOmsk | Courier | 700\n | Post | 300\nTver | Courier | 350\n | Post | 200"
    ]


@pytest.mark.parametrize("repeated", [0, 1])
def test_a_table_over_two_pages_has_its_header_on_both(read, repeated):
    rows = [["City", "Days", "Price"], *([f"City {n}", f"{n} days", f"{n * 10} roubles"] for n in range(1, 61))]
    found = read(pdf(Paragraph(BEFORE, BODY), Table(rows, repeatRows=repeated, style=GRID)))
    assert [(e.page, e.text.split("\n")[0]) for e in found.elements if e.kind == "table"] == [
        (1, "City | Days | Price"),
        (2, "City | Days | Price"),
    ]
    assert "\n".join(tables(found)).count("City 4") == 11
    assert all(piece.text.startswith("City | Days") for piece in split(found.elements)[1:])


def test_pages_of_a_long_table_are_no_running_header(read):
    rows = [["City", "Days", "Price"], *([f"City {n}", f"{n} days", f"{n * 10} roubles"] for n in range(1, 301))]
    found = read(pdf(Table(rows, repeatRows=1, style=GRID)))
    assert sum(text.count("roubles") for text in tables(found)) == 300


def test_a_drawing_or_a_frame_is_no_table(read):
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer)
    drawing.grid([50, 150, 250, 350], [400, 500, 600, 700])
    drawing.drawString(60, 550, "Income of the year")
    for row, line in enumerate((BEFORE[:60], AFTER[:60])):
        drawing.drawString(60, 300 - 14 * row, line)
    drawing.rect(55, 280, 400, 40)
    drawing.save()
    assert tables(read(buffer.getvalue())) == []


def test_two_columns_of_prose_are_read_one_after_the_other(read):
    buffer = io.BytesIO()
    page = BaseDocTemplate(buffer, pagesize=A4)
    page.addPageTemplates(PageTemplate(frames=[Frame(60, 60, 230, 700), Frame(310, 60, 230, 700)]))
    page.build(
        [
            Paragraph(f"{name} {PROSE * 3}", BODY)
            for name in ("One.", "Two.", "Three.", "Four.", "Five.", "Six.", "Seven.")
        ]
    )
    found = read(buffer.getvalue())
    assert tables(found) == []
    text = " ".join(element.text for element in found.elements)
    assert [text.index(name) for name in ("One.", "Three.", "Five.", "Seven.")] == sorted(
        text.index(name) for name in ("One.", "Three.", "Five.", "Seven.")
    )


def test_two_columns_drawn_line_by_line_are_not_cut_into_cells(read):
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer)
    drawing.setFont("Helvetica", 10)
    for row in range(20):
        drawing.drawString(50, 780 - 14 * row, PROSE[row : row + 48])
        drawing.drawString(310, 780 - 14 * row, PROSE[row + 50 : row + 98])
    drawing.save()
    assert tables(read(buffer.getvalue())) == []


def test_steps_and_the_numbers_of_lines_in_a_margin_are_no_columns(read):
    steps = ListFlowable([Paragraph(text, BODY) for text in ("Open the order.", "Press return.", "Print the label.")])
    found = read(pdf(Paragraph(BEFORE, BODY), steps))
    assert tables(found) == []
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer)
    for row in range(30):
        drawing.drawString(50, 780 - 14 * row, PROSE[row : row + 60])
    for row in range(30):
        drawing.drawString(500, 780 - 14 * row, str(row + 1))
    drawing.save()
    assert tables(read(buffer.getvalue())) == []


def test_a_line_of_two_ends_is_no_table(read):
    line = Table([["Moscow", "12 May 2026"]], colWidths=(300, 120))
    assert tables(read(pdf(line, Paragraph(BEFORE, BODY)))) == []


def test_a_page_of_thousands_of_lines_is_still_read(read):
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer)
    for n in range(3000):
        drawing.line(50 + n % 400, 100, 50 + n % 400, 100 + n % 600)
        drawing.line(50, 100 + n % 600, 50 + n % 400, 100 + n % 600)
    for row in range(4):
        for column in range(3):
            drawing.drawString(60 + 150 * column, 780 - 20 * row, f"cell {row} {column}")
    drawing.save()
    assert tables(read(buffer.getvalue())) == [
        "\n".join(" | ".join(f"cell {r} {c}" for c in range(3)) for r in range(4))
    ]


def test_a_document_of_too_many_tables_is_read_as_text_from_there_on(read, monkeypatch):
    rows = [["City", "Days", "Price"], *([f"City {n}", f"{n} days", f"{n * 10} roubles"] for n in range(1, 81))]
    monkeypatch.setattr("knowledge.extract.pdf_tables.MAX_CHARACTERS", 1500)
    found = read(pdf(Table(rows, repeatRows=1, style=GRID)))
    assert {e.page for e in found.elements if e.kind == "table"} == {1}
    assert "80 days" in " ".join(e.text for e in found.elements if e.page == 3)
