"""A passage as the index gets it."""

from collections.abc import Sequence

from knowledge import index
from knowledge.chunking import Piece
from knowledge.encoding import encode_document
from knowledge.models import Chunk, Document


def findable(document: Document, piece: Piece | Chunk) -> str:
    """What a question is compared with: a passage is often understood only with its title and section."""
    return f"{document.title}\n{piece.heading_path}\n{piece.text}"


def points_of(
    document: Document, version: int, chunks: Sequence[Chunk], vectors: Sequence[list[float]] | None = None
) -> list[index.Point]:
    """Without `vectors`: by words alone."""
    return [
        index.Point(
            document.id, version, chunk.number, chunk.id, encode_document(findable(document, chunk)),
            vectors[place] if vectors else None,
        )
        for place, chunk in enumerate(chunks)
    ]  # fmt: skip
