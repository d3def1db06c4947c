"""Files become elements; what cannot be read says why."""

import io
import zipfile

import pytest

from knowledge.extract.errors import ExtractionError
from knowledge.tests import files


def shown(extraction):
    return [(element.kind, element.text) for element in extraction.elements]


def test_a_pdf_gives_headings_steps_and_pages_without_its_running_footer(read):
    found = read(files.returns_pdf(), "returns.pdf")
    assert (found.kind, found.title, found.pages, found.unread_pages) == ("pdf", "Возврат и обмен", 4, [])
    titles = [(e.text, e.level, e.page) for e in found.elements if e.kind == "title"]
    assert titles[:3] == [("Возврат и обмен", 1, 1), ("Сроки возврата", 2, 1), ("Порядок действий", 2, 2)]
    assert next(e.text for e in found.elements if e.kind == "list") == "1. Заполните заявление в личном кабинете."
    assert not any("страница" in e.text for e in found.elements)


def test_lines_of_a_paragraph_are_joined(read):
    texts = [e.text for e in read(files.returns_pdf(), "returns.pdf").elements]
    assert (
        "Вернуть товар надлежащего качества можно в течение 14 дней со дня получения. Деньги возвращаются на карту, с"
        " которой был оплачен заказ, в течение 10 рабочих дней." in texts
    )


def test_pages_that_are_pictures_are_named(read):
    assert read(files.pdf("First page", "", "Third page", picture_on=(2,)), "a.pdf").unread_pages == [2]


GARBLED = "ML<?J@>?GU IjZ\\bl_evkl\\hf Jhkkbckdhc N_^_jZpbb hl k_glyy[jy dhgkmevlZpby"


@pytest.mark.parametrize(
    ("data", "filename", "code"),
    [
        (b"", "a.pdf", "empty"),
        (files.pdf(""), "a.pdf", "empty"),
        ("<html><body> <script>x()</script> </body></html>", "a.html", "empty"),
        ("  \n\u200b\n ", "a.txt", "empty"),
        (files.pdf("", "", picture_on=(1, 2)), "scan.pdf", "ocr_needed"),
        (files.pdf("\n".join([GARBLED] * 5)), "law.pdf", "garbled"),
        (files.pdf("secret", password="open"), "a.pdf", "encrypted"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 40, "a.pdf", "corrupt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.docx", "encrypted"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"WordDocument", "a.doc", "unsupported"),
        (b"just some words", "a.docx", "corrupt"),
        (b"PK\x03\x04 cut off", "a.docx", "corrupt"),
        (files.inflating_office("word/document.xml", 120), "a.docx", "bomb"),
        (b"<html><body>" + b"<div>" * 5000 + b"deep", "a.html", "bomb"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "a.png", "unsupported"),
        (bytes(5000), "a.txt", "unsupported"),
    ],
)
def test_what_cannot_be_read_says_why(read, data, filename, code):
    with pytest.raises(ExtractionError) as error:
        read(data, filename)
    assert error.value.code == code


def test_entities_in_office_xml_are_a_bomb(read):
    doctype = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><w:document'
    with pytest.raises(ExtractionError) as error:
        read(files.patched_zip(files.contract_docx(), "word/document.xml", b"<w:document", doctype), "a.docx")
    assert error.value.code == "bomb"


def test_another_office_file_is_unsupported_and_not_corrupt(read):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("visio/document.xml", "<VisioDocument/>")
    with pytest.raises(ExtractionError) as error:
        read(buffer.getvalue(), "a.docx")
    assert error.value.code == "unsupported"


@pytest.mark.parametrize(
    ("data", "wrong_name", "kind"),
    [
        (files.returns_pdf(), "a.docx", "pdf"),
        (files.contract_docx(), "a.pdf", "docx"),
        (files.DELIVERY_HTML.encode(), "a.docx", "html"),
        (files.DELIVERY_HTML.encode("utf-16"), "a.txt", "html"),
    ],
)
def test_the_bytes_decide_and_not_the_name(read, data, wrong_name, kind):
    assert read(data, wrong_name).kind == kind


def test_a_docx_gives_headings_items_tables_and_no_hidden_text(read):
    found = read(files.contract_docx(), "a.docx")
    assert found.title == "Оплата"
    assert shown(found) == [
        ("title", "Оплата"),
        ("text", "Оплатить заказ можно картой или по счёту для юридических лиц."),
        ("title", "Счёт"),
        ("list", "• Счёт действует пять дней."),
        ("table", "Способ | Комиссия\nКарта | 0 %\nСчёт | 1 %"),
    ]


def test_a_docx_that_unstructured_cannot_read_is_read_all_the_same(read):
    # A section type that python-docx does not know makes `unstructured` fail; Word opens such a file.
    odd = files.patched_zip(
        files.contract_docx(),
        "word/document.xml",
        b"<w:sectPr",
        b'<w:sectPr><w:type w:val="newPage"/></w:sectPr><w:sectPr',
    )
    assert shown(read(odd, "a.docx")) == shown(read(files.contract_docx(), "a.docx"))


def test_html_keeps_what_a_reader_sees(read):
    found = read(files.DELIVERY_HTML, "delivery.html")
    assert found.title == "Доставка"
    assert shown(found) == [
        ("title", "Доставка"),
        ("text", "Курьер приезжает на следующий день, если заказ оформлен до полудня."),
        ("title", "Стоимость"),
        ("table", "Город | Цена\nМосква | 300 ₽\nКазань | 450 ₽"),
        ("title", "Как получить"),
        ("list", "1. Дождитесь звонка курьера"),
        ("list", "2. Проверьте товар"),
    ]
    assert [e.anchor for e in found.elements if e.kind == "title"] == ["delivery", "cost", ""]


def test_headings_inside_layout_tables_are_seen(read):
    page = "<table><tr><td>меню</td><td><h1>Оплата</h1><p>Картой или наличными.</p></td></tr></table>"
    assert ("title", "Оплата") in shown(read(page, "a.html"))


@pytest.mark.parametrize("charset", ["utf-8", "cp1251", "koi8-r", "cp866", "utf-16", "utf-16-le"])
def test_undeclared_charsets_of_russian_pages(read, charset):
    text = "<html><body><p>Деньги возвращаются на карту в течение десяти рабочих дней.</p></body></html>"
    assert shown(read(text.encode(charset), "a.html"))[0][1].startswith("Деньги возвращаются на карту")


def test_western_pages_are_not_taken_for_russian(read):
    text = "<html><body><p>Déjà vu: les frais sont remboursés après réception, même à l’étranger.</p></body></html>"
    assert "remboursés après réception" in shown(read(text.encode("cp1252"), "a.html"))[0][1]


def test_markdown_gives_headings_items_and_tables(read):
    found = read(files.GUARANTEE_MD, "guarantee.md")
    assert found.title == "Гарантия"
    assert shown(found)[1:] == [
        ("text", "Гарантия на технику — двенадцать месяцев."),
        ("title", "Что не входит"),
        ("list", "• Механические повреждения"),
        ("list", "• Следы воды"),
        ("table", "Товар | Срок\nЧайник | 12 месяцев\nУтюг | 24 месяца"),
    ]


def test_invisible_characters_are_stripped(read):
    assert shown(read("воз\u200bврат \u202eракот\u202c то\u00adвара", "a.txt")) == [("text", "возврат ракот товара")]
