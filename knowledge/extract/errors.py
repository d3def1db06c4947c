"""Why a file could not be read. The child process loads this module, hence no Django and no translations here."""

from typing import Any


class ExtractionError(Exception):
    """`code` is one of CODES; people read the sentence that `knowledge.errors` has for it. `details` fill its gaps."""

    CODES = frozenset(
        {
            "empty", "encrypted", "corrupt", "ocr_needed", "garbled", "bomb", "unsupported", "too_large", "timeout",
            "memory", "unreadable",
        }
    )  # fmt: skip

    def __init__(self, code: str, **details: Any) -> None:
        assert code in self.CODES, code
        super().__init__(code)
        self.code = code
        self.details = details
