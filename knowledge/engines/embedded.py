"""Qdrant's own engine in this process: a folder, a "shard", for each workspace and space.

A shard is one workspace's alone, so nothing is filtered by tenant; what is found is looked at nevertheless (knowledge.index).
What was written survives the death of the process. One process at a time may hold the folder.
"""

import fcntl
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import qdrant_edge as edge
import structlog
from django.conf import settings
from django.utils.translation import gettext as _

from knowledge.encoding import SparseVector
from knowledge.engines import DENSE, WORDS, Found, Match, Row
from knowledge.engines.adoption import adopt
from omnisupport.lib.errors import Unavailable

log = structlog.get_logger(__name__)

_BATCH = 64
# Deleted points that may lie in a shard before it is packed: nothing else in the process moves meanwhile.
_DEAD = 2000
# Of a dense vector no graph is built: below tens of thousands of points comparing with each takes a millisecond.
_NO_GRAPH = 1_000_000_000


class EmbeddedEngine:
    def __init__(self) -> None:
        self._folder = Path(settings.QDRANT_PATH)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._held = _hold(self._folder)
        self._shards: dict[str, edge.EdgeShard] = {}
        self._lock = threading.RLock()
        adopt(self._folder, self.upsert)

    def upsert(self, schema: str, space: str, rows: Sequence[Row], dimensions: int = 0) -> None:
        dimensions = dimensions or next((len(row.dense) for row in rows if row.dense is not None), 0)
        with _engine_errors(), self._lock:
            shard = self._shard(schema, space) or self._create(schema, space, dimensions)
            for start in range(0, len(rows), _BATCH):
                points = [_point(row) for row in rows[start : start + _BATCH]]
                shard.update(edge.UpdateOperation.upsert_points(points))

    def delete(self, schema: str, space: str, match: Match) -> None:
        with _engine_errors(), self._lock:
            shard = self._shard(schema, space)
            if shard is None:
                return
            shard.update(edge.UpdateOperation.delete_points_by_filter(_filter(match)))
            shard.flush()
            info = shard.info()
            if info.indexed_vectors_count > 2 * info.points_count + _DEAD:
                shard.optimize()

    def count(self, schema: str, space: str, match: Match) -> int:
        with _engine_errors():
            shard = self._shard(schema, space)
            return 0 if shard is None else int(shard.count(edge.CountRequest(True, _filter(match))))

    def search(
        self, schema: str, space: str, query: SparseVector | list[float], match: Match, limit: int
    ) -> list[Found]:
        if isinstance(query, SparseVector):
            nearest = edge.Query.Nearest(edge.SparseVector(query.indices, query.values), WORDS)
        else:
            nearest = edge.Query.Nearest(query, DENSE)
        narrowed = None if match == Match() else _filter(match)
        with _engine_errors():
            shard = self._shard(schema, space)
            if shard is None:
                return []
            found = shard.query(edge.QueryRequest(limit=limit, query=nearest, filter=narrowed, with_payload=True))
        return [Found(str(point.id), float(point.score), point.payload or {}) for point in found]

    def drop(self, schema: str, space: str) -> None:
        with _engine_errors(), self._lock:
            self._remove(self._folder / f"{schema}__{space}")

    def drop_tenant(self, schema: str) -> None:
        with _engine_errors(), self._lock:
            for folder in self._folder.glob(f"{schema}__*"):
                self._remove(folder)

    def _remove(self, folder: Path) -> None:
        shard = self._shards.pop(folder.name, None)
        if shard is not None:
            shard.close()
        if folder.exists():
            shutil.rmtree(folder)

    def close(self) -> None:
        with self._lock:
            while self._shards:
                self._shards.popitem()[1].close()
            os.close(self._held)

    def _shard(self, schema: str, space: str) -> "edge.EdgeShard | None":
        """None where nothing was ever indexed."""
        name = f"{schema}__{space}"
        shard = self._shards.get(name)
        if shard is not None:
            return shard
        with self._lock:
            if name not in self._shards and (self._folder / name).exists():
                self._shards[name] = edge.EdgeShard.load(str(self._folder / name))
            return self._shards.get(name)

    def _create(self, schema: str, space: str, dimensions: int) -> "edge.EdgeShard":
        """Made under another name: half a shard never stands where one is looked for."""
        name = f"{schema}__{space}"
        unfinished = self._folder / f"unfinished-{name}"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        dense = {DENSE: edge.EdgeVectorParams(size=dimensions, distance=edge.Distance.Cosine)} if dimensions else {}
        config = edge.EdgeConfig(
            vectors=dense,
            sparse_vectors={WORDS: edge.EdgeSparseVectorParams(modifier=edge.Modifier.Idf)},
            optimizers=edge.EdgeOptimizersConfig(indexing_threshold=_NO_GRAPH),
            # There is a shard for each workspace: a pool of threads in each would be many.
            max_search_threads=1,
        )
        shard = edge.EdgeShard.create(str(unfinished), config)
        shard.update(edge.UpdateOperation.create_field_index("document_id", edge.PayloadSchemaType.Keyword))
        shard.close()
        unfinished.rename(self._folder / name)
        created = self._shard(schema, space)
        assert created is not None
        return created


def _hold(folder: Path) -> int:
    """The lock on the folder; the system lets go of it when the process ends, however it does."""
    held = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        log.warning("index_locked", folder=str(folder))
        raise Unavailable(
            _("The embedded index is opened by another process. Only one worker may run without QDRANT_URL."),
            code="index_locked",
        ) from error
    return held


def _point(row: Row) -> edge.Point:
    vector: dict[str, Any] = {WORDS: edge.SparseVector(row.words.indices, row.words.values)}
    if row.dense is not None:
        vector[DENSE] = row.dense
    return edge.Point(row.id, vector, dict(row.payload))


def _filter(match: Match) -> edge.Filter:
    must: list[Any] = []
    if match.document_ids is not None:
        must.append(edge.FieldCondition("document_id", match=edge.MatchAny(list(match.document_ids))))
    if match.version is not None:
        must.append(edge.FieldCondition("version", match=edge.MatchValue(match.version)))
    kept: list[Any] = []
    if match.except_version is not None:
        kept.append(edge.FieldCondition("version", match=edge.MatchValue(match.except_version)))
    return edge.Filter(must=must, must_not=kept)


@contextmanager
def _engine_errors() -> Iterator[None]:
    """The engine raises plain Exceptions (a full disk, a damaged file); what has a type of its own is our mistake."""
    try:
        yield
    except OSError as error:
        raise _unavailable(error) from error
    except Exception as error:
        if type(error) is Exception:
            raise _unavailable(error) from error
        raise


def _unavailable(error: Exception) -> Unavailable:
    log.error("index_unavailable", error=str(error)[:300])
    return Unavailable(_("The index did not answer. Try again in a minute."), code="index_unavailable")
