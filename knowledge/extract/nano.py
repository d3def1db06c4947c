"""`unstructured` without what it would fetch: its HTML and DOCX partitioners work offline, in 1 s and 140 MB.

As released it needs spaCy (580 MB installed) and on first use downloads a language model; it asks spaCy only where
sentences end, which words a text has, and whether an English text has a verb. Regular expressions answer the first two;
the third is asked for English alone, and we name no language. The environment switches its telemetry off.
Loaded in the child only.
"""

import os
import re
import sys
import types
from typing import Any

_OFF = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
# An empty code switches language detection off.
NO_LANGUAGE = [""]
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")
_WORD = re.compile(r"\w+|[^\w\s]")


def _stand_in(name: str, **attributes: Any) -> None:
    module = types.ModuleType(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules.setdefault(name, module)


def load_unstructured() -> None:
    """Call before the first import of `unstructured`; calling it again does nothing."""
    if "unstructured" in sys.modules:
        return
    os.environ.update(_OFF)
    _stand_in("spacy")
    _stand_in(
        "langdetect",
        DetectorFactory=types.SimpleNamespace(seed=0),
        detect_langs=lambda text: [],
        lang_detect_exception=types.SimpleNamespace(LangDetectException=ValueError),
    )
    from unstructured.nlp import tokenize

    # Replaced before `text_type` imports the names.
    vars(tokenize).update(sent_tokenize=_SENTENCE_END.split, word_tokenize=_WORD.findall, pos_tag=lambda text: [])
