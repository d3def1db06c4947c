"""Points that earlier releases kept in the folder by another engine are taken over, so that search never stops."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog

from knowledge.encoding import SparseVector
from knowledge.engines import DENSE, WORDS, Row

log = structlog.get_logger(__name__)

_BATCH = 256


def adopt(folder: Path, upsert: Callable[[str, str, Sequence[Row]], None]) -> None:
    """Every point found goes to `upsert(schema, space, rows)`; then the old files are removed.

    Broken off, it begins anew: a point taken over twice is one.
    """
    # Set apart first: the other engine's lock file has the name of ours.
    apart = folder / "before"
    for name in ("collection", "meta.json"):
        if (folder / name).exists():
            apart.mkdir(exist_ok=True)
            (folder / name).rename(apart / name)
    if not apart.exists():
        return
    from qdrant_client import QdrantClient  # 60 MB, needed once

    client = QdrantClient(path=str(apart))
    try:
        for collection in client.get_collections().collections:
            schema, _dashes, space = collection.name.partition("__")
            for rows in _batches(client, collection.name):
                upsert(schema, space, rows)
            log.info("index_taken_over", collection=collection.name)
    finally:
        client.close()
    shutil.rmtree(apart)


def _batches(client: Any, name: str) -> Iterator[list[Row]]:
    offset: Any = None
    while True:
        points, offset = client.scroll(name, limit=_BATCH, offset=offset, with_vectors=True)
        if points:
            yield [_row(point) for point in points]
        if offset is None:
            return


def _row(point: Any) -> Row:
    words = point.vector[WORDS]
    return Row(str(point.id), SparseVector(words.indices, words.values), point.vector.get(DENSE), point.payload)
