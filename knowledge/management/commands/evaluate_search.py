"""Measures retrieval and abstention: documents go through the whole product into a workspace made for it and dropped after.

manage.py evaluate_search --documents pages.jsonl --questions questions.jsonl [--unanswerable none.jsonl] [--typos]
A document is {"id", "text", "title"?}; a question {"q" or "question", "passage_id" or "pages"}; an unanswerable {"question"}.
"""

import json
import random
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.test import override_settings

from knowledge import index
from knowledge.confidence import RELEVANCE_FLOOR
from knowledge.search import search_passages
from knowledge.services.documents import add_document
from knowledge.services.ingest import ingest_document
from tenants.db import tenant_context
from tenants.models import Tenant
from tenants.provisioning import create_workspace, delete_workspace

Row = dict[str, Any]
_DEPTH = 10


class Command(BaseCommand):
    help = "Measures search on questions with known answers: recall@k, MRR@10, and AUROC of the confidence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--documents", type=Path, required=True)
        parser.add_argument("--questions", type=Path, required=True)
        parser.add_argument("--unanswerable", type=Path)
        parser.add_argument("--typos", action="store_true", help="Also with two letters swapped in every second word.")

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
        questions = _rows(options["questions"])
        answerable = self._measure(questions, sources)
        if options["typos"]:
            chance = random.Random(7)  # noqa: S311  the same typos in every run
            self.stdout.write("with typos:")
            self._measure([{**row, "question": _with_typos(_text(row), chance)} for row in questions], sources)
        if options["unanswerable"]:
            refused = [self._search(_text(row), sources)[1] for row in _rows(options["unanswerable"])]
            self._print_abstention(answerable, refused)

    def _measure(self, questions: list[Row], sources: dict[str, str]) -> list[float]:
        """Prints how early the right documents come; returns the confidences."""
        ranks, confidences = [], []
        for row in questions:
            found, confidence = self._search(_text(row), sources)
            wanted = set(row.get("pages") or [row["passage_id"]])
            ranks.append(next((rank for rank, source in enumerate(found, start=1) if source in wanted), 0))
            confidences.append(confidence)
        self._print_recall(ranks)
        return confidences

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

    def _search(self, question: str, sources: dict[str, str]) -> tuple[list[str], float]:
        result = search_passages(question, limit=50)
        found = dict.fromkeys(sources[passage.document_id] for passage in result.passages)
        return list(found)[:_DEPTH], result.confidence

    def _print_recall(self, ranks: list[int]) -> None:
        for depth in (1, 3, 5, 10):
            share = sum(0 < rank <= depth for rank in ranks) / len(ranks)
            self.stdout.write(f"recall@{depth}  {share:.3f}")
        self.stdout.write(
            f"MRR@10    {sum(1 / rank for rank in ranks if rank) / len(ranks):.3f}   ({len(ranks)} questions)"
        )

    def _print_abstention(self, answerable: list[float], unanswerable: list[float]) -> None:
        pairs = [(a > u) + 0.5 * (a == u) for a in answerable for u in unanswerable]
        kept = sum(value >= RELEVANCE_FLOOR for value in answerable) / len(answerable)
        refused = sum(value < RELEVANCE_FLOOR for value in unanswerable) / len(unanswerable)
        self.stdout.write(f"AUROC     {sum(pairs) / len(pairs):.3f}   ({len(unanswerable)} unanswerable)")
        self.stdout.write(f"floor {RELEVANCE_FLOOR}: kept {kept:.3f}, refused {refused:.3f}")


def _rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _text(row: Row) -> str:
    return str(row.get("question") or row["q"])


def _with_typos(question: str, chance: random.Random) -> str:
    words = question.split()
    for place in range(0, len(words), 2):
        word = words[place]
        if len(word) > 3:
            at = chance.randrange(1, len(word) - 1)
            words[place] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return " ".join(words)
