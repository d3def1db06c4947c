from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from django.core.files.base import ContentFile

from knowledge import index
from knowledge.extract import extract
from knowledge.extract.elements import Extraction
from knowledge.extract.sandbox import extract_in_sandbox
from knowledge.models import Document


@pytest.fixture(autouse=True)
def _own_index(settings: Any, tmp_path: Any) -> Iterator[None]:
    """An empty index in a folder of its own."""
    index.close()
    settings.QDRANT_PATH = str(tmp_path / "qdrant")
    settings.MEDIA_ROOT = str(tmp_path / "media")
    yield
    index.close()


@pytest.fixture(autouse=True)
def _no_recognition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether this machine has tesseract changes no story but those of recognition."""
    monkeypatch.setattr("knowledge.services.recognition.recogniser", lambda: "")


@cache
def _read_once(data: bytes, filename: str) -> dict[str, Any]:
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return extract_in_sandbox(Path(file.name), filename).to_json()


@pytest.fixture
def _read_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the sandbox makes of a text is asked once: a child for each of them is half the time of these stories."""

    def extract(path: Path, filename: str, report: object) -> Extraction:
        return Extraction.from_json(_read_once(path.read_bytes(), filename))

    monkeypatch.setattr("knowledge.services.recognition.extract_in_sandbox", extract)


@pytest.fixture
def read(tmp_path: Any) -> Callable[[bytes | str, str], Extraction]:
    """Bytes under a name through the readers, in this process."""

    def read(data: bytes | str, filename: str) -> Extraction:
        path = tmp_path / "file"
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return extract(path, filename)

    return read


@pytest.fixture
def add() -> Callable[..., Document]:
    """Uploads and ingests; the caller is inside a workspace. Returns the document as it is afterwards."""
    from knowledge.services.documents import add_document
    from knowledge.services.ingest import ingest_document

    def add(data: bytes | str, filename: str = "page.md", **fields: Any) -> Document:
        body = data.encode() if isinstance(data, str) else data
        document, _is_new = add_document(ContentFile(body, name=filename), filename=filename, **fields)
        ingest_document(document.id)
        document.refresh_from_db()
        return document

    return add
