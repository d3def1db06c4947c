"""Search over a knowledge base of 10,000 passages, embedded: the whole of `search_passages`, in this process.

Passages are made of a seeded vocabulary in which, as in a language, few words are in most texts and most words in few. A third
of the questions has a typo. Goal: 95 of 100 answers in 60 ms.
"""

import itertools
import random
import time
import uuid
from pathlib import Path
from typing import Any

from benchmarks.fanout import p95
from benchmarks.harness import Result, median

PASSAGES, PASSAGES_OF_A_DOCUMENT, QUESTIONS = 10_000, 50, 300
_WORDS_OF_A_PASSAGE = 130
_SYLLABLES = [a + b for a, b in zip("бвгджзклмнпрстфхцчшбвгджз", "аеиоуыаеиоуыаеиоуыаеиоуыа", strict=True)]
_ENDINGS = ("", "а", "у", "ом", "ы", "ов")


def run(folder: Path) -> list[Result]:
    from django.test import override_settings

    from knowledge import index
    from tenants.db import tenant_context
    from tenants.provisioning import create_workspace

    workspace = create_workspace(
        slug="search", name="Search", owner_email="owner@search.example", owner_password=uuid.uuid4().hex
    )
    with override_settings(QDRANT_PATH=str(folder / "qdrant")), tenant_context(workspace.schema_name):
        try:
            return _measured()
        finally:
            index.close()


def _measured() -> list[Result]:
    from knowledge.search import search_passages

    chance = random.Random(11)
    language = _Language(chance)
    started = time.perf_counter()
    texts = _fill(language)
    filled = time.perf_counter() - started
    questions = [language.question(chance.choice(texts), with_typo=n % 3 == 0) for n in range(QUESTIONS)]
    for question in questions[:20]:
        search_passages(question)
    walls, with_typos, repaired, stages = [], [], 0, dict.fromkeys(("understand", "index", "load"), 0.0)
    for number, question in enumerate(questions):
        started = time.perf_counter()
        result = search_passages(question)
        walls.append((time.perf_counter() - started) * 1000)
        if number % 3 == 0:
            with_typos.append(walls[-1])
        repaired += bool(result.repaired)
        for stage in stages:
            stages[stage] += result.timings[stage] / QUESTIONS
    details: dict[str, Any] = {
        "p50": round(median(walls), 1), "with_typo_p50": round(median(with_typos), 1),
        "with_typo_p95": round(p95(with_typos), 1), "filled_s": round(filled), "repaired": repaired,
        **{stage: round(ms, 1) for stage, ms in stages.items()},
    }  # fmt: skip
    return [Result("search over 10,000 passages, p95", p95(walls), "ms", 60, details=details)]


class _Language:
    def __init__(self, chance: random.Random) -> None:
        stems = ["".join(parts) for parts in itertools.product(_SYLLABLES, repeat=3)]
        chance.shuffle(stems)
        self._chance, self._stems = chance, stems
        self._weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(stems))))

    def passage(self) -> str:
        stems = self._chance.choices(self._stems, cum_weights=self._weights, k=_WORDS_OF_A_PASSAGE)
        return " ".join(stem + self._chance.choice(_ENDINGS) for stem in stems)

    def question(self, passage: str, *, with_typo: bool) -> str:
        words = self._chance.sample(passage.split(), 7)
        if with_typo:
            words[0] = words[0][:2] + words[0][3] + words[0][2] + words[0][4:]
        return " ".join(words)


def _fill(language: _Language) -> list[str]:
    """Documents as ingestion leaves them, without the reading of files."""
    from knowledge import index
    from knowledge.encoding import encode_document, terms_of
    from knowledge.models import Chunk, Document
    from knowledge.services.ingest import learn_words
    from tenants.names import current_schema

    texts = []
    for number in range(PASSAGES // PASSAGES_OF_A_DOCUMENT):
        document = Document.objects.create(
            title=f"Документ {number}", state=Document.State.READY, version=1, space=index.WORDS,
            sha256=uuid.uuid4().hex, chunk_count=PASSAGES_OF_A_DOCUMENT,
        )  # fmt: skip
        passages = [language.passage() for _ in range(PASSAGES_OF_A_DOCUMENT)]
        chunks = Chunk.objects.bulk_create(
            Chunk(
                document=document, version=1, number=n, text=text, tokens=300, language="ru", content_hash=uuid.uuid4().hex,
                terms=sorted(set(terms_of(text))),
            )
            for n, text in enumerate(passages, 1)
        )  # fmt: skip
        index.upsert_chunks(
            current_schema(),
            [index.Point(document.id, 1, c.number, c.id, encode_document(c.text)) for c in chunks],
        )
        learn_words(passages)
        texts += passages
    return texts
