"""Searching by meaning: vectors come beside what is searched and take its place at once; their provider may fail anywhere."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from qdrant_client import QdrantClient

from knowledge import index
from knowledge.embeddings import Embedded, _finders
from knowledge.models import Document, Space, Vector
from knowledge.search import search_passages
from knowledge.services import filling, ingest
from knowledge.services.documents import delete_document, erase_document, replace_document
from knowledge.services.filling import fill_space
from knowledge.services.ingest import ingest_document
from knowledge.services.reconcile import check_documents
from knowledge.services.spaces import choose_space, coming_space, drop_left_spaces, live_space, try_again
from knowledge.tests import files
from omnisupport.lib.errors import NotFound, Unavailable
from tenants.events.models import Event

COST = "сколько стоит доставка в Казань"


class Meaning:
    """Two dimensions: whether a text is about money, and whether it is about time. Knows words that no document has."""

    title, share = "meaning", 0.35

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.faults: list[Exception] = []
        self.size = 2

    def embed(self, texts, kind, seconds) -> Embedded:
        if self.faults:
            raise self.faults.pop(0)
        self.asked.append((kind, *texts))
        money = [any(word in text for word in ("₽", "тариф", "стоит")) + 0.01 for text in texts]
        time = [("месяц" in text or "длительность" in text) + 0.01 for text in texts]
        vectors = [[a, b, *[0.0] * (self.size - 2)] for a, b in zip(money, time, strict=True)]
        return Embedded(vectors, tokens=len(texts), cost=0.5)

    def texts(self) -> list[str]:
        return [text for kind, *texts in self.asked for text in texts if kind == "doc"]


@pytest.fixture
def models() -> Iterator[dict[str, Meaning]]:
    """Space → what makes its vectors."""
    known = {"one": Meaning(), "two": Meaning()}
    _finders.append(known.get)
    yield known
    _finders.remove(known.get)


@pytest.fixture
def base(shop, add, models, _read_before):
    """Three documents and a model of which nobody has spoken yet."""
    return [add(files.DELIVERY_MD, "d.md"), add(files.GUARANTEE_MD, "g.md"), add(files.returns_pdf(), "r.pdf")]


def later() -> None:
    Space.objects.exclude(due_at=None).update(due_at=timezone.now() - timedelta(minutes=30))


def fill() -> None:
    while fill_space():
        pass


def live(name: str) -> None:
    choose_space(name, 2)
    fill()
    assert live_space().name == name


def best(question: str) -> str:
    return search_passages(question).passages[0].text


def test_a_workspace_that_chose_nothing_is_searched_by_words(base):
    result = search_passages(COST)
    assert (result.legs, result.meaning, live_space().name) == (["words"], {}, index.WORDS)
    assert not fill_space()


def test_a_chosen_model_is_searched_once_every_document_has_vectors(base, models):
    choose_space("one", 2)
    assert search_passages(COST).legs == ["words"]
    fill()
    result = search_passages(COST)
    assert (result.legs, result.meaning["tokens"], result.meaning["error"]) == (["words", "dense"], 1, "")
    assert "450 ₽" in result.passages[0].text
    events = Event.objects.filter(type="space.changed").values_list("payload__state", flat=True)
    assert list(events.order_by("id")) == ["filling", "live"]


def test_what_no_word_tells_is_found_by_meaning(base, models):
    question = "какие у вас тарифы"
    assert all("₽" not in passage.text for passage in search_passages(question).passages)
    live("one")
    assert "₽" in best(question)


def test_the_old_space_is_searched_until_the_switch_and_dropped_after_it(shop, base, models):
    live("one")
    later()
    assert drop_left_spaces() == 1 and index.count(shop.schema) == 0
    choose_space("two", 2)
    models["two"].faults = [Unavailable("no")]
    fill()
    assert search_passages(COST).legs == ["words", "dense"] and models["one"].asked[-1] == ("query", COST)
    later()
    fill()
    assert live_space().name == "two"
    assert index.count(shop.schema, "one") == index.count(shop.schema, "two") > 0
    assert drop_left_spaces() == 0  # searches that began there end there
    later()
    drop_left_spaces()
    assert index.count(shop.schema, "one") == 0 and not Vector.objects.exclude(space__name="two").exists()
    assert "450 ₽" in best(COST)


@pytest.fixture(params=["embedded", "server"])
def engine(request, settings, monkeypatch):
    """Each engine; the server's is played by its client's own memory."""
    if request.param == "server":
        settings.QDRANT_URL = "http://qdrant.example"
        memory = QdrantClient(":memory:")
        monkeypatch.setattr("knowledge.engines.server.QdrantClient", lambda **_options: memory)


@pytest.mark.filterwarnings("ignore:Payload indexes have no effect")
def test_either_engine_fills_switches_and_drops(engine, shop, base, models, add):
    live("one")
    document = add("Самовывоз стоит 77 ₽.", "new.md")
    assert document.space == "" and "77 ₽" in best("самовывоз")
    fill()
    choose_space("two", 2)
    assert search_passages(COST).legs == ["words", "dense"]
    fill()
    later()
    drop_left_spaces()
    assert (index.count(shop.schema), index.count(shop.schema, "one")) == (0, 0)
    assert search_passages(COST).legs == ["words", "dense"] and "450 ₽" in best(COST)
    delete_document(document.id)
    erase_document(document.id)
    assert index.count(shop.schema, "two", document_id=document.id) == 0


def test_back_to_words_alone(shop, base, models):
    live("one")
    choose_space(index.WORDS)
    fill()
    assert search_passages(COST).legs == ["words"] and live_space().name == index.WORDS
    later()
    drop_left_spaces()
    assert (index.count(shop.schema, "one"), Vector.objects.count()) == (0, 0)


def test_another_choice_meanwhile_gives_the_first_one_up(shop, base, models):
    choose_space("one", 2)
    choose_space("two", 2)
    fill()
    assert (live_space().name, coming_space(), models["one"].texts()) == ("two", None, [])


def test_taking_the_choice_back_leaves_all_as_it_was(base, models):
    choose_space("one", 2)
    choose_space(index.WORDS)
    assert (coming_space(), live_space().name) == (None, index.WORDS)
    assert not fill_space() and models["one"].texts() == []


def test_a_dead_worker_is_followed_by_one_that_pays_for_nothing_twice(base, models, monkeypatch):
    choose_space("one", 2)
    upsert, calls = index.upsert_chunks, []

    def die_at_the_second(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        upsert(*args)

    with monkeypatch.context() as dying:
        dying.setattr(index, "upsert_chunks", die_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            fill_space()
    assert not fill_space()  # its lease still holds
    later()
    fill()
    assert live_space().name == "one"
    assert len(models["one"].texts()) == len(set(models["one"].texts()))


def test_a_provider_that_fails_leaves_the_search_as_it_was_and_is_asked_less_and_less(base, models):
    choose_space("one", 2)
    pauses = []
    for _attempt in range(filling.MAX_ATTEMPTS):
        models["one"].faults = [Unavailable("The key is refused.")]
        assert not fill_space()
        space = coming_space()
        pauses.append(space.due_at and round((space.due_at - timezone.now()).total_seconds(), -1))
        assert (space.error, search_passages(COST).legs) == ("The key is refused.", ["words"])
        later()
    assert pauses == [20, 40, 80, 160, 320, 600, 600, None]
    assert not fill_space() and models["one"].asked == []
    try_again()
    fill()
    assert (live_space().name, live_space().error) == ("one", "")
    choose_space(index.WORDS)
    fill()
    with pytest.raises(NotFound):
        try_again()


@pytest.mark.parametrize("size", [1, 3])
def test_vectors_of_another_size_never_enter(base, models, size):
    models["one"].embed = lambda texts, kind, seconds: Embedded([[1.0] * size for _ in texts])
    choose_space("one", 2)
    fill()
    assert coming_space().error and not Vector.objects.exists()


def test_half_an_answer_never_enters(base, models):
    models["one"].embed = lambda texts, kind, seconds: Embedded([[1.0, 0.0]] * (len(texts) - 1))
    choose_space("one", 2)
    fill()
    assert coming_space().error and not Vector.objects.exists()


def test_a_question_whose_vector_does_not_come_is_searched_by_words(base, models):
    live("one")
    models["one"].faults = [Unavailable("Too busy.", code="busy")]
    result = search_passages(COST)
    assert result.legs == ["words"] and "450 ₽" in result.passages[0].text
    assert (result.meaning["error"], result.meaning["code"]) == ("Too busy.", "busy")
    models["one"].size = 3
    assert search_passages(COST).legs == ["words"]
    del models["one"]
    assert search_passages(COST).legs == ["words"] and search_passages(COST, by_meaning=False).meaning == {}


def test_a_passage_that_meaning_pushed_out_of_sight_is_no_reason_to_be_sure(base, models, add):
    add("Курьер звонит. Курьер ждёт. Курьер уходит.", "waits.md")
    add("Курьер берёт за выезд 5 ₽, а за подъём на этаж ничего не просит.", "costs.md")
    live("one")
    models["one"].embed = lambda texts, kind, seconds: Embedded([[1.0, 0.0]])
    by_words = search_passages("курьер", limit=1, by_meaning=False)
    one, several = search_passages("курьер", limit=1), search_passages("курьер")
    assert ("ждёт" in by_words.passages[0].text, "5 ₽" in one.passages[0].text) == (True, True)
    assert one.confidence < by_words.confidence == several.confidence


def test_a_new_document_is_found_at_once_and_gets_its_vectors_after(base, models, add):
    live("one")
    document = add("Самовывоз из пункта выдачи стоит 77 ₽.", "new.md")
    assert (document.state, document.space) == ("ready", "") and "77 ₽" in best("самовывоз")
    models["one"].faults = [Unavailable("no")] * filling.MAX_ATTEMPTS
    for _attempt in range(filling.MAX_ATTEMPTS):
        fill()
        later()
    assert live_space().due_at is None and live_space().error
    assert "77 ₽" in best("самовывоз")
    Document.objects.update(checked_at=None)
    check_documents()  # once a day
    fill()
    document.refresh_from_db()
    assert (document.space, live_space().error) == ("one", "")
    assert any("77 ₽" in passage.text for passage in search_passages("какие тарифы").passages)


def test_of_a_new_version_only_what_is_new_costs(base, models, add):
    live("one")
    sections = [f"## Раздел {n}\n{f'Пункт {n} правил говорит о товаре. ' * 30}\n" for n in range(5)]
    document = add("# Правила\n" + "".join(sections), "rules.md")
    fill()
    before = len(models["one"].texts())
    changed = "# Правила\n" + "".join(sections).replace("Пункт 3", "Статья 3")
    replace_document(document.id, ContentFile(changed.encode(), name="rules.md"), filename="rules.md")
    ingest_document(document.id)
    fill()
    new = models["one"].texts()[before:]
    assert 1 <= len(new) < document.chunk_count and all("Статья 3" in text for text in new)
    assert Vector.objects.filter(document=document).count() == document.chunk_count


def test_a_lost_index_is_filled_from_what_was_kept(shop, base, models):
    live("one")
    before = len(models["one"].texts())
    index.drop_tenant(shop.schema)
    Document.objects.update(checked_at=None)
    assert check_documents() == 3
    for document in base:
        ingest_document(document.id)
    fill()
    assert len(models["one"].texts()) == before and search_passages(COST).legs == ["words", "dense"]


def test_a_deleted_document_is_in_neither_leg_nor_kept(shop, base, models):
    live("one")
    choose_space("two", 2)
    fill_space(seconds=0)  # one document is in both
    asked = search_passages("какие у вас тарифы")
    assert any(passage.document_id == str(base[0].id) for passage in asked.passages)
    delete_document(base[0].id)
    for question in (COST, "какие у вас тарифы"):
        assert all(passage.document_id != str(base[0].id) for passage in search_passages(question).passages)
    assert not Vector.objects.filter(document_id=base[0].id).exists()
    erase_document(base[0].id)
    assert index.count(shop.schema, "one", document_id=base[0].id) == 0
    assert index.count(shop.schema, "two", document_id=base[0].id) == 0


def test_a_document_deleted_while_its_vectors_are_made_leaves_nothing(shop, base, models):
    choose_space("one", 2)
    embed = models["one"].embed

    def delete_meanwhile(texts, kind, seconds):
        if any("450 ₽" in text for text in texts):
            delete_document(base[0].id)
            erase_document(base[0].id)
        return embed(texts, kind, seconds)

    models["one"].embed = delete_meanwhile
    fill()
    assert live_space().name == "one" and index.count(shop.schema, "one", document_id=base[0].id) == 0


def test_a_document_that_is_published_while_the_space_changes_is_found_after_it(shop, base, models, monkeypatch):
    choose_space("one", 2)
    publish = ingest._publish

    def switch_first(*args):
        fill()
        assert live_space().name == "one"
        publish(*args)

    newer = files.DELIVERY_MD.replace("450 ₽", "550 ₽")
    replace_document(base[0].id, ContentFile(newer.encode(), name="new.html"), filename="new.html")
    monkeypatch.setattr(ingest, "_publish", switch_first)
    ingest_document(base[0].id)
    later()
    drop_left_spaces()
    assert "550 ₽" in best(COST)
    assert index.count(shop.schema, "one", document_id=base[0].id) == Document.objects.get(id=base[0].id).chunk_count


def test_workspaces_choose_for_themselves(base, models, rival):
    live("one")
    with rival.enter():
        assert live_space().name == index.WORDS and coming_space() is None
