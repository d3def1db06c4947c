"""Measures retrieval and abstention: documents go through the whole product into a workspace made for it and dropped after.

manage.py evaluate_search --documents pages.jsonl --questions questions.jsonl [--unanswerable none.jsonl] [--typos]
                          [--embeddings PROVIDER] [--rerank PROVIDER]
A document is {"id", "text", "title"?}; a question {"q" or "question", "passage_id" or "pages"}; an unanswerable {"question"}.
BM25 over Snowball stems of the same passages is measured first, and every way of ours beside it. Providers are asked with the
keys of the installation. With them the same questions are also measured by words alone.
"""

import json
import random
import tempfile
import time
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand, CommandError
from django.db.models import F
from django.test import override_settings

from ai_assistant.evaluation.bm25 import BM25, Passage
from ai_assistant.evaluation.ranks import compare, mean_reciprocal_rank, rank_of, recall_at
from ai_assistant.models import Assistant
from ai_assistant.providers import embedding_choices, is_verbatim, provider_names
from ai_assistant.providers.base import CallContext
from ai_assistant.services.assistants import ensure_assistant
from ai_assistant.services.meaning import choose_embeddings
from ai_assistant.services.reranking import CANDIDATES, rerank
from knowledge import index
from knowledge.confidence import RELEVANCE_FLOOR
from knowledge.models import Chunk
from knowledge.passages import findable
from knowledge.search import search_passages
from knowledge.services.documents import add_document
from knowledge.services.filling import fill_space
from knowledge.services.ingest import ingest_document
from knowledge.services.spaces import live_space
from omnisupport.lib.errors import AppError
from tenants.db import tenant_context
from tenants.models import Tenant
from tenants.provisioning import create_workspace, delete_workspace

Row = dict[str, Any]
_DEPTH = 10
_AS_WRITTEN = "as written"


class Command(BaseCommand):
    help = "Measures search on questions with known answers: recall@k, MRR@10, and AUROC of the confidence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--documents", type=Path, required=True)
        parser.add_argument("--questions", type=Path, required=True)
        parser.add_argument("--unanswerable", type=Path)
        parser.add_argument("--typos", action="store_true", help="Also with two letters swapped in every second word.")
        makers = [name for name, _title in embedding_choices()]
        parser.add_argument("--embeddings", choices=makers, default="", help="Search by meaning too.")
        models = [name for name in provider_names() if not is_verbatim(name)]
        parser.add_argument("--rerank", choices=models, default="", help="Have what was found put in order.")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = f"evaluation-{uuid4().hex[:8]}"
        with tempfile.TemporaryDirectory() as folder, override_settings(QDRANT_PATH=folder):
            index.close()
            workspace = create_workspace(
                slug=slug, name=slug, owner_email=f"owner@{slug}.example", owner_password=uuid4().hex
            )
            try:
                with tenant_context(workspace.schema_name):
                    self._evaluate(options)
                    index.drop_tenant(workspace.schema_name)
            finally:
                index.close()
                delete_workspace(Tenant.objects.get(pk=workspace.pk))

    def _evaluate(self, options: dict[str, Any]) -> None:
        started = time.perf_counter()
        sources = self._ingest(_rows(options["documents"]))
        self.stdout.write(f"{len(set(sources.values()))} documents in {time.perf_counter() - started:.0f} s")
        self._questions = _questions(options["questions"], options["typos"])
        self._unanswerable = _rows(options["unanswerable"]) if options["unanswerable"] else []
        self._measure_baseline(sources)
        self._measure(_Way("words alone", sources, by_meaning=False))
        if options["embeddings"]:
            self._make_vectors(options["embeddings"])
            self._measure(_Way(f"words and {options['embeddings']}", sources))
        if options["rerank"]:
            ranked = ensure_assistant()
            ranked.provider, ranked.credentials = options["rerank"], {}
            self._measure(_Way(f"put in order by {options['rerank']}", sources, bool(options["embeddings"]), ranked))

    def _make_vectors(self, provider: str) -> None:
        started = time.perf_counter()
        try:
            space = choose_embeddings(provider, {})
        except AppError as error:
            raise CommandError(str(error)) from None
        while fill_space():
            pass
        if live_space().name != space.name:
            space.refresh_from_db()
            raise CommandError(space.error)
        self.stdout.write(f"vectors in {time.perf_counter() - started:.0f} s")

    def _measure_baseline(self, sources: dict[str, str]) -> None:
        self.stdout.write("BM25 over Snowball stems:")
        pages = BM25(_passages(sources))
        self._baseline = {}
        for wording, rows in self._questions.items():
            self._baseline[wording] = [_rank(row, pages.rank(_text(row))) for row in rows]
            self._print_recall(wording, self._baseline[wording])

    def _measure(self, way: "_Way") -> None:
        self.stdout.write(f"{way.name}:")
        confidences: dict[str, list[float]] = {}
        for wording, rows in self._questions.items():
            answers = [way.search(_text(row)) for row in rows]
            ranks = [_rank(row, found) for row, (found, _confidence) in zip(rows, answers, strict=True)]
            confidences[wording] = [confidence for _found, confidence in answers]
            self._print_recall(wording, ranks)
            self._print_comparison(ranks, self._baseline[wording])
        if self._unanswerable:
            refused = [way.search(_text(row))[1] for row in self._unanswerable]
            self._print_abstention(confidences[_AS_WRITTEN], refused)
        for fault, times in way.faults.items():
            self.stderr.write(f"{times} times: {fault}")

    def _ingest(self, rows: list[Row]) -> dict[str, str]:
        """document id → id in the set. Texts that two pages share are one document."""
        sources = {}
        for row in rows:
            upload = ContentFile(row["text"].encode(), name="page.txt")
            document, _is_new = add_document(upload, filename="page.txt", title=row.get("title", ""))
            state = ingest_document(document.id) or document.state
            if state != "ready":
                self.stderr.write(f"{row['id']}: {state}")
            sources[str(document.id)] = row["id"]
        return sources

    def _print_recall(self, wording: str, ranks: list[int]) -> None:
        self.stdout.write(f"{wording}, {len(ranks)} questions")
        for depth in (1, 3, 5, 10):
            self.stdout.write(f"recall@{depth:<3} {recall_at(depth, ranks):.3f}")
        self.stdout.write(f"MRR@{_DEPTH}    {mean_reciprocal_rank(ranks):.3f}")

    def _print_comparison(self, ranks: list[int], baseline: list[int]) -> None:
        found = compare(ranks, baseline)
        interval = f"{found.difference:+.3f}, 95 % within {found.low:+.3f} and {found.high:+.3f}"
        self.stdout.write(f"to BM25   {found.ratio:.3f}   ({interval})")

    def _print_abstention(self, answerable: list[float], unanswerable: list[float]) -> None:
        pairs = [(a > u) + 0.5 * (a == u) for a in answerable for u in unanswerable]
        kept = sum(value >= RELEVANCE_FLOOR for value in answerable) / len(answerable)
        refused = sum(value < RELEVANCE_FLOOR for value in unanswerable) / len(unanswerable)
        self.stdout.write(f"AUROC     {sum(pairs) / len(pairs):.3f}   ({len(unanswerable)} unanswerable)")
        self.stdout.write(f"floor {RELEVANCE_FLOOR}: kept {kept:.3f}, refused {refused:.3f}")


class _Way:
    """One way of ours to search, and what went wrong with its providers."""

    def __init__(
        self, name: str, sources: dict[str, str], by_meaning: bool = True, ranked: Assistant | None = None
    ) -> None:
        self.name, self.faults = name, Counter[str]()
        self._sources, self._by_meaning, self._ranked = sources, by_meaning, ranked

    def search(self, question: str) -> tuple[list[str], float]:
        """The first documents, and the confidence."""
        result = search_passages(question, limit=50, by_meaning=self._by_meaning)
        passages = result.passages
        self._note(result.meaning.get("error", ""))
        if self._ranked and passages:
            first, call = rerank(self._ranked, question, passages[:CANDIDATES], CallContext.within(60))
            passages = [*first, *passages[CANDIDATES:]]
            self._note(call["message"])
        return list(dict.fromkeys(self._sources[passage.document_id] for passage in passages)), result.confidence

    def _note(self, fault: str) -> None:
        if fault:
            self.faults[fault] += 1


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _text(row: Row) -> str:
    return str(row.get("question") or row["q"])


def _questions(path: Path, typos: bool) -> dict[str, list[Row]]:
    """By their wording."""
    rows = _rows(path)
    if not typos:
        return {_AS_WRITTEN: rows}
    chance = random.Random(7)  # noqa: S311  the same typos in every run
    return {_AS_WRITTEN: rows, "with typos": [{**row, "question": _with_typos(_text(row), chance)} for row in rows]}


def _rank(row: Row, found: list[str]) -> int:
    return rank_of(found[:_DEPTH], row.get("pages") or [row["passage_id"]])


def _passages(sources: dict[str, str]) -> list[Passage]:
    """All that the search has, as it has them."""
    chunks = Chunk.objects.filter(version=F("document__version")).select_related("document").order_by("id")
    return [Passage(sources[str(chunk.document_id)], findable(chunk.document, chunk)) for chunk in chunks]


def _with_typos(question: str, chance: random.Random) -> str:
    words = question.split()
    for place in range(0, len(words), 2):
        word = words[place]
        if len(word) > 3:
            at = chance.randrange(1, len(word) - 1)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
