"""Tables and slides: CSV, XLSX, PPTX."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest

from knowledge.chunking import split
from knowledge.extract.errors import ExtractionError
from knowledge.extract.number_format import shown_value
from knowledge.extract.sandbox import extract_in_sandbox
from knowledge.tests import files


def shown(extraction):
    return [(element.kind, element.text) for element in extraction.elements]


def sheet(*rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp1251", "koi8-r", "utf-16"])
def test_a_table_of_questions_gives_pairs_under_their_sections(read, charset):
    found = read(files.FAQ_CSV.encode(charset), "faq.csv")
    assert found.kind == "csv"
    assert [element.kind for element in found.elements] == ["title", "pair", "title", "pair", "pair"]
    first, *_rest, last = [element.text for element in found.elements if element.kind == "pair"]
    assert first.startswith("Можно ли оплатить картой?\nДа: Visa, Мир.\nДеньги списываются сразу.")
    assert first.endswith("Ссылка: https://shop.example/pay")
    assert last == "Когда приедет курьер?\nНа следующий день"


def test_each_pair_is_a_chunk_that_keeps_question_and_answer_together(read):
    pieces = split(read(files.FAQ_CSV, "faq.csv").elements)
    assert [piece.text.split("\n")[0] for piece in pieces] == [
        "Можно ли оплатить картой?", "Сколько стоит доставка?", "Когда приедет курьер?",
    ]  # fmt: skip
    assert [piece.heading_path for piece in pieces] == ["Оплата", "Доставка", "Доставка"]


def test_a_long_answer_is_cut_and_its_question_repeated(read):
    answer = " ".join(f"Шаг {n}: откройте раздел номер {n} и нажмите кнопку." for n in range(80))
    pieces = split(read(f"question,answer\nКак настроить?,{answer}\nА потом?,Ничего.\n", "faq.csv").elements)
    assert len(pieces) > 3
    assert all(piece.text.startswith("Как настроить?\n") and len(piece.text) <= 1600 for piece in pieces[:-1])
    assert pieces[-1].text == "А потом?\nНичего."


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_two_columns_without_a_header_are_pairs_when_the_first_asks(read, delimiter):
    rows = [("Где мой заказ?", "В личном кабинете"), ("Как вернуть товар?", "За 14 дней"), ("Есть ли скидки?", "Да")]
    found = read("\n".join(f'"{q}"{delimiter}"{a}"' for q, a in rows), "a.csv")
    assert shown(found) == [("pair", f"{q}\n{a}") for q, a in rows]


def test_any_other_csv_is_a_table_with_its_header(read):
    found = read("Город,Цена\nМосква,300\nКазань,450\n", "prices.csv")
    assert shown(found) == [("table", "Город | Цена\nМосква | 300\nКазань | 450")]


def test_the_same_bytes_under_another_name_are_a_text(read):
    assert read("Город,Цена\nМосква,300\n", "prices.txt").kind == "text"


def test_excels_own_line_names_the_delimiter(read):
    assert shown(read("sep=|\r\nГород|Цена\r\nМосква, центр|300\r\n", "a.csv")) == [
        ("table", "Город | Цена\nМосква, центр | 300")
    ]


def test_a_quotation_mark_that_nothing_closes_loses_no_row(read):
    rows = "".join(f"Товар {n};{n}\n" for n in range(300))
    text = read(f'Имя;Число\n"Экран 15;1\n{rows}', "a.csv").elements[0].text
    assert text.count("\n") == 301 and "Товар 299 | 299" in text


def test_a_workbook_gives_what_is_seen_sheet_by_sheet(read):
    found = read(files.price_xlsx(), "price.xlsx")
    assert found.kind == "xlsx"
    assert shown(found) == [
        ("title", "Цены"),
        ("text", "Прайс-лист 2026"),
        (
            "table",
            "Раздел | Товар | Цена | Скидка | Действует до | Артикул\n"
            "Кухня | Чайник | 1990.00 ₽ | 15% | 31.12.2026 | 00042\n"
            "Кухня | Тостер | 2490.50 ₽ | 0% | 01.03.2027 | 00007",
        ),
        ("title", "Вопросы"),
        ("pair", "Есть ли гарантия?\nДвенадцать месяцев."),
    ]


def test_a_formula_gives_the_value_stored_with_it_and_an_error_nothing(read):
    data = sheet(["Товар", "Цена", "Остаток"], ["Чайник", "=1000+990", "=1/0"])
    sheet_xml = "xl/worksheets/sheet1.xml"
    stored = files.patched_zip(data, sheet_xml, b"+990</f><v></v>", b"+990</f><v>1990</v>")
    stored = files.patched_zip(stored, sheet_xml, b'"C2"><f>1/0</f><v></v>', b'"C2" t="e"><f>1/0</f><v>#DIV/0!</v>')
    assert shown(read(stored, "a.xlsx")) == [("table", "Товар | Цена | Остаток\nЧайник | 1990")]


def test_tables_parted_by_an_empty_row_keep_their_headers(read):
    data = sheet(["Город", "Цена"], ["Москва", 300], [], ["Казань", 450], [], ["Склад", "Часы"], ["Центр", "9–18"])
    assert [text for _kind, text in shown(read(data, "a.xlsx"))] == [
        "Город | Цена\nМосква | 300", "Город | Цена\nКазань | 450", "Склад | Часы\nЦентр | 9–18",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "pattern", "text"),
    [
        (dt.date(2026, 5, 3), "mm-dd-yy", "03.05.2026"),
        (dt.date(2026, 5, 3), "yyyy-mm-dd", "2026-05-03"),
        (dt.datetime.fromisoformat("2026-05-03 09:05"), "dd/mm/yyyy hh:mm", "03/05/2026 09:05"),
        (dt.date(2026, 5, 3), '[$-419]d mmmm yyyy "г.";@', "3 мая 2026 г."),
        (dt.date(2026, 5, 3), "[$-409]mmm\\ yy", "May 26"),
        (dt.time(18, 30), "h:mm", "18:30"),
        (dt.timedelta(hours=26, minutes=5), "[h]:mm", "26:05"),
        (0.1 + 0.2, "General", "0.3"),
        (79161234567, "General", "79161234567"),
        (1234.5, '#,##0.00\\ [$₽-419]', "1234.50 ₽"),
        (0.125, "0.0%", "12.5%"),
        (42, "000000", "000042"),
        (1.5, "0.##", "1.5"),
        (42, ";;;", ""),
        (True, "General", "TRUE"),
        ("+7 916", "@", "+7 916"),
    ],
)  # fmt: skip
def test_cells_are_read_as_they_are_drawn(value, pattern, text):
    assert shown_value(value, pattern) == text


def test_slides_are_pages_with_title_points_table_and_notes(read):
    found = read(files.training_pptx(), "training.pptx")
    assert (found.kind, found.title, found.pages, found.unread_pages) == ("pptx", "Возврат товара", 3, [])
    assert [(e.kind, e.text, e.page) for e in found.elements] == [
        ("title", "Возврат товара", 1),
        ("list", "• Проверьте чек", 1),
        ("list", "• Оформите заявление", 1),
        ("text", "Напомнить про 14 дней.", 1),
        ("title", "Сроки", 2),
        ("table", "Способ | Срок\nКарта | 10 дней", 2),
    ]


@pytest.mark.parametrize(
    ("data", "filename", "code"),
    [
        ("\u200b;;\n;;\n", "a.csv", "empty"),
        (sheet([]), "a.xlsx", "empty"),
        (files.inflating_office("xl/workbook.xml", 120), "a.xlsx", "bomb"),
        (files.inflating_office("ppt/presentation.xml", 120), "a.pptx", "bomb"),
        (files.price_xlsx()[:3000], "a.xlsx", "corrupt"),
        (files.inflating_office("xl/workbook.xml", 1), "a.xlsx", "corrupt"),
        (files.inflating_office("ppt/presentation.xml", 1), "a.pptx", "corrupt"),
        (
            files.patched_zip(files.price_xlsx(), "xl/worksheets/sheet1.xml", b"<sheetData>", b"<<<"),
            "a.xlsx",
            "corrupt",
        ),
        (files.patched_zip(files.training_pptx(), "ppt/slides/slide1.xml", b"<p:cSld>", b"<<<"), "a.pptx", "corrupt"),
        ("just some words", "a.pptx", "corrupt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"Workbook", "a.xls", "unsupported"),
    ],
)
def test_what_cannot_be_read_says_why(read, data, filename, code):
    with pytest.raises(ExtractionError) as error:
        read(data, filename)
    assert error.value.code == code


def test_a_sheet_that_claims_a_million_rows_is_read_quickly(read):
    data = sheet(["Город", "Цена"], ["Москва", 300])
    vast = files.patched_zip(data, "xl/worksheets/sheet1.xml", b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    assert shown(read(vast, "a.xlsx")) == [("table", "Город | Цена\nМосква | 300")]


def test_too_much_text_asks_to_be_split(read):
    with pytest.raises(ExtractionError) as error:
        read("Город,Цена\n" + "Москва,300\n" * 600_000, "a.csv")
    assert error.value.code == "too_large"


@pytest.mark.parametrize(
    ("data", "filename"),
    [(files.FAQ_CSV.encode(), "a.csv"), (files.price_xlsx(), "a.xlsx"), (files.training_pptx(), "a.pptx")],
)
def test_the_limited_child_reads_them(tmp_path, data, filename):
    path = tmp_path / "document"
    path.write_bytes(data)
    assert extract_in_sandbox(path, filename).kind == filename.partition(".")[2]


def test_a_workbook_inside_a_docx_does_not_make_it_one(read):
    buffer = io.BytesIO(files.contract_docx())
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("word/embeddings/book.xlsx", files.price_xlsx())
    assert read(buffer.getvalue(), "a.docx").kind == "docx"
