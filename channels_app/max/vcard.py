"""Contact cards as MAX hands them over: a vCard and, where our button asked for it, a proof that it is the sender's own."""

import hashlib
import hmac
import re

from omnisupport.lib.phones import phone_number

_FOLD = re.compile(r"\r?\n[ \t]")
_ESCAPE = re.compile(r"\\([\\,;nN])")


def card_of(vcf: str) -> tuple[str, str]:
    """(name, phone) of the first of each in the card."""
    name = phone = ""
    for line in _FOLD.sub("", vcf).splitlines():
        head, colon, value = line.partition(":")
        # "item1.TEL;TYPE=cell" and "TEL" are the same property.
        key = head.partition(";")[0].rpartition(".")[2].strip().upper()
        value = _ESCAPE.sub(lambda found: " " if found[1] in "nN" else found[1], value).strip() if colon else ""
        if key == "FN":
            name = name or value
        elif key == "TEL":
            phone = phone or phone_number(value.removeprefix("tel:"))
    return name, phone


def is_proven(vcf: str, given: str, token: str) -> bool:
    """Whether MAX vouches that the card is the sender's: the keyed hash of the card as it came, line ends included."""
    expected = hmac.new(token.encode(), vcf.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return bool(given and token) and hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "replace"))
