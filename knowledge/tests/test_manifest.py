"""The corpus of real and hostile files, where it lies beside the checkout: each ends in the state its manifest names."""

import json
from pathlib import Path

import pytest

from knowledge.chunking import split
from knowledge.extract.errors import ExtractionError
from knowledge.extract.sandbox import extract_in_sandbox

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "docs"
# Stands in a comment of the XML, which nobody sees in Word.
INVISIBLE = {"2 height vertical span"}

if not (CORPUS / "manifest.json").is_file():
    pytest.skip("the corpus is not beside this checkout", allow_module_level=True)
FILES = json.loads((CORPUS / "manifest.json").read_text(encoding="utf-8"))["files"]


@pytest.mark.parametrize("entry", FILES, ids=lambda entry: entry["file"])
def test_each_file_ends_in_its_state_with_its_sentences(entry):
    try:
        found = extract_in_sandbox(CORPUS / entry["file"], entry["file"])
    except ExtractionError as error:
        assert error.code == entry["expect"]
        return
    assert entry["expect"] in {"text", f"wrongext:{found.kind}"}
    text = one_line("\n".join(f"{piece.heading_path}\n{piece.text}" for piece in split(found.elements)))
    missing = {one_line(fact) for fact in entry.get("must_contain", [])} - INVISIBLE
    assert [fact for fact in missing if fact not in text] == []
    assert [fact for fact in entry.get("must_not_contain", []) if one_line(fact) in text] == []


def one_line(text: str) -> str:
    return " ".join(text.split())
