"""Questions with typos, in the wrong keyboard layout, in other forms: what the documents say is found, nothing else changes."""

import pytest

from knowledge import spelling
from knowledge.frequencies import Passages
from knowledge.models import Word
from knowledge.search import search_passages
from knowledge.services.documents import delete_document
from knowledge.services.reconcile import check_documents
from knowledge.spelling import shortened
from knowledge.tests import files

GUIDE = "# Обмен\n\nСкидка на юбилей. Android и iPhone чинит сервисный центр. Деньги возвращает бухгалтерия."


def repair(question):
    return spelling.repair(question, Passages())


@pytest.fixture
def base(shop, add, _read_before):
    add(files.DELIVERY_MD, "delivery.md")
    add(GUIDE, "guide.md")
    return shop


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("дотсавка", "доставка"),  # swapped
        ("бухглтерия", "бухгалтерия"),  # left out
        ("серввисный", "сервисный"),  # one too many
        ("кбилей", "юбилей"),  # replaced
    ],
)
def test_a_typo_becomes_the_word_of_the_documents(base, written, read):
    assert repair(f"Где {written}?") == {written: read}


def test_the_neighbour_on_the_keyboard_is_the_likelier_one(shop, add):
    add("карта гора пора")
    # «н» is beside «г», «б» is not.
    assert repair("нора") == {"нора": "гора"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ghbdtn? ljcnfdrf", {"ljcnfdrf": "доставка"}),
        ("j,vty", {"j,vty": "обмен"}),
        ("Фтвкщшв!", {"фтвкщшв": "android"}),
    ],
)
def test_the_other_keyboard_layout_is_read(base, written, read):
    assert repair(written).items() >= read.items()


@pytest.mark.parametrize(
    "question", ["доставка", "Сколько скидок на юбилей", "zzz qqq", "AB-1234", "12345", "?!", "ещё раз"]
)
def test_what_is_known_or_cannot_be_repaired_is_left_alone(base, question):
    assert repair(question) == {}


def test_the_answer_says_what_was_repaired(base):
    result = search_passages("сколько стоит дотсавка в Казань")
    assert result.repaired == {"дотсавка": "доставка"}
    assert "Казань | 450 ₽" in result.passages[0].text and result.is_relevant


def test_forms_that_a_stemmer_keeps_apart_are_one_word(base):
    result = search_passages("кто возвращает денег")
    assert "бухгалтерия" in result.passages[0].text and result.repaired == {}


def test_words_of_a_deleted_document_repair_nothing(shop, add):
    document = add("Секретный прайс-лист на экскаваторы")
    assert repair("экскаватрры") == {"экскаватрры": "экскаваторы"}
    delete_document(document.id)
    assert repair("экскаватрры") == {}


def test_words_that_no_passage_has_any_longer_are_forgotten(shop, add):
    gone, stays = add("Секретный прайс-лист на экскаваторы"), add(files.DELIVERY_MD)
    delete_document(gone.id)
    type(stays).objects.filter(id=stays.id).update(checked_at=None)
    check_documents()
    assert not Word.objects.filter(text="экскаваторы").exists()
    assert Word.objects.filter(text="доставка").exists()


def test_a_workspace_does_not_learn_from_another(base, rival):
    with rival.enter():
        assert repair("достваки") == {}


def test_two_words_one_typo_apart_share_a_shortened_form():
    for other in ("дотсавка", "доставк", "доставкаа", "доставкп", "оставка"):
        assert set(shortened("доставка")) & set(shortened(other))
