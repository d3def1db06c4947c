"""Pages that are pictures, read by tesseract where the machine has it; a script in its place fails in every way."""

import io
import shutil

import pytest
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen import canvas

from knowledge.extract.errors import ExtractionError
from knowledge.extract.sandbox import recognise_in_sandbox
from knowledge.models import Document
from knowledge.search import search_passages
from knowledge.services import recognition
from knowledge.tests import files

REAL = recognition.recogniser


def scan(*pages: str) -> bytes:
    """A PDF of pictures with these words, as a scanner would make it."""
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer, pagesize=(595, 842))
    font = ImageFont.load_default(size=48)
    for text in pages:
        picture = Image.new("L", (1654, 2339), "white")
        ImageDraw.Draw(picture).multiline_text((120, 150), text, fill="black", font=font, spacing=24)
        drawing.drawInlineImage(picture, 0, 0, 595, 842)
        drawing.showPage()
    drawing.save()
    return buffer.getvalue()


def row(words: str, confidence: int = 95, line: int = 1, paragraph: int = 1) -> str:
    cells = (f"5\t1\t1\t{paragraph}\t{line}\t{n}\t0\t0\t9\t9\t{confidence}\t{w}" for n, w in enumerate(words.split()))
    return "\n".join(cells)


@pytest.fixture
def tesseract(tmp_path, monkeypatch):
    """`tesseract("shell commands")` takes its place."""

    def script(commands: str) -> str:
        path = tmp_path / "tesseract"
        path.write_text(f"#!/bin/sh\ncat > /dev/null\n{commands}\n", encoding="utf-8")
        path.chmod(0o755)
        monkeypatch.setattr(recognition, "recogniser", lambda: str(path))
        return str(path)

    return script


def says(*rows: str) -> str:
    table = "\n".join(("level\tpage_num\t…", *rows))
    return f"cat << 'END'\n{table}\nEND"


def passages(question: str) -> str:
    return " ".join(passage.text for passage in search_passages(question, 5).passages)


@pytest.mark.skipif(not REAL(), reason="tesseract with Russian and English is not on this machine")
def test_a_scan_is_read_and_found(shop, add, monkeypatch):
    monkeypatch.setattr(recognition, "recogniser", REAL)
    document = add(scan("Returns are accepted\nwithin 45 days.", "Couriers come on Monday."), "scan.pdf")
    assert (document.state, document.error, document.pages) == ("ready", "", 2)
    assert "45 days" in passages("Within how many days are returns accepted?")
    assert "Monday" in passages("When do couriers come?")


def test_pictures_among_pages_stand_where_they_were(shop, add, tesseract):
    tesseract(says(row("Возврат возможен в течение 45 дней"), row("со дня по-", line=2), row("купки.", line=3)))
    document = add(files.pdf("First page about delivery", "", "Last page", picture_on=(2,)), "mixed.pdf")
    assert (document.state, document.error) == ("ready", "")
    chunks = list(document.chunks.order_by("number").values_list("page", "text"))
    assert [page for page, _text in chunks] == sorted(page for page, _text in chunks)
    assert "Возврат возможен в течение 45 дней со дня покупки." in passages("возврат")


@pytest.mark.parametrize("commands", ["exit 1", "kill -9 $$", says(row("Кра ля бре", confidence=40))])
def test_what_was_not_understood_is_said(shop, add, tesseract, commands):
    tesseract(commands)
    document = add(files.pdf("First page about delivery", "", picture_on=(2,)), "mixed.pdf")
    assert (document.state, document.error_details) == ("partly_ready", {"pages": "2"})
    assert "delivery" in passages("delivery")


@pytest.mark.parametrize("commands", [says("5\t1\tbroken"), "printf '\\377\\376'"])
def test_a_picture_without_words_is_no_unread_page(shop, add, tesseract, commands):
    tesseract(commands)
    document = add(files.pdf("First page about delivery", "", picture_on=(2,)), "mixed.pdf")
    assert (document.state, document.error_details) == ("ready", {})


def test_a_scan_without_a_word_still_needs_recognition(shop, add, tesseract):
    tesseract(says())
    document = add(files.pdf("", picture_on=(1,)), "scan.pdf")
    assert (document.state, document.error) == ("failed", "ocr_needed")


def test_a_page_that_hangs_ends_with_all_that_it_started(tmp_path, tesseract):
    path = tmp_path / "scan.pdf"
    path.write_bytes(files.pdf("", picture_on=(1,)))
    program = tesseract("sleep 1000")
    with pytest.raises(ExtractionError) as ended:
        recognise_in_sandbox(path, 1, program, "rus+eng", lambda *_: None, timeout=3)
    assert ended.value.code == "timeout"


def test_what_was_read_is_not_read_again(shop, add, tesseract, monkeypatch):
    tesseract(says(row("Курьер приходит по понедельникам")))
    read = []
    real = recognition.recognise_in_sandbox

    def count(path, number, *rest):
        read.append(number)
        return real(path, number, *rest)

    monkeypatch.setattr(recognition, "recognise_in_sandbox", count)
    data = files.pdf("", "", picture_on=(1, 2))
    first = add(data, "scan.pdf")
    Document.objects.filter(id=first.id).delete()
    assert add(data, "scan.pdf").state == "ready" and read == [1, 2]


def test_of_very_many_pictures_the_first_are_read(shop, add, tesseract, monkeypatch):
    monkeypatch.setattr(recognition, "MOST_PAGES", 2)
    tesseract(says(row("Курьер приходит по понедельникам")))
    document = add(files.pdf("", "", "", "", picture_on=(1, 2, 3, 4)), "scan.pdf")
    assert (document.state, document.error_details) == ("partly_ready", {"pages": "3–4"})


def test_a_language_that_is_missing_is_no_recognition(monkeypatch, tmp_path):
    program = tmp_path / "tesseract"
    program.write_text("#!/bin/sh\necho 'List of available languages (2):'\necho eng\necho osd\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program))
    assert REAL.__wrapped__() == ""
    program.write_text("#!/bin/sh\necho eng\necho rus\n", encoding="utf-8")
    assert REAL.__wrapped__() == str(program)
