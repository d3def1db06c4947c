"""Of words said to one customer, what can be said to all: without greeting, signature and anything that is theirs."""

import re
from collections.abc import Iterable

from ai_assistant.triggers import small_talk_kind
from omnisupport.lib.masking import TOKEN, Mask

# Stands for what was left out; whoever approves the text says what belongs there.
GAP = "[…]"

_GREETING = re.compile(
    r"^\W*(?i:здравствуй(?:те)?|привет(?:ствую)?|добр(?:ый|ого|ое|ой)\s+(?:день|дня|вечера?|утр[оа]|ночи|времени суток)|"
    r"уважаем\w+|hello|hi|hey|dear|good\s+(?:morning|afternoon|evening|day))\b"
    r"(?:[,\s]+(?:[А-ЯЁA-Z][\w'’-]*|\[NAME_\d+\])){0,3}\s*(?:[,!.…\n]+|$)\s*"
)
_CALLED = re.compile(r"^\W*\[NAME_\d+\]\s*[,!]\s*")
_SIGNATURE = re.compile(
    r"(?:^|(?<=[.!?…])\s|\n)\s*(?:с уважением|с наилучшими пожеланиями|искренне ваш\w*|(?:best|kind|warm) regards|regards|"
    r"sincerely|yours truly|--[ ]?(?=\n|$))(?!\w).*\Z",
    re.IGNORECASE | re.DOTALL,
)
_COURTESY = re.compile(
    r"^\W*(?:(?:большое )?(?:спасибо|благодар\w+)(?: вас)? за (?:ваше? )?(?:обращени|вопрос|ожидани|терпени|письмо|сообщени)|"
    r"(?:всегда )?(?:рад[аы]?|будем рады|буду рад[а]?)(?: был[аи]?)? помочь|обращайтесь|"
    r"если (?:у вас )?(?:будут|возникнут|появятся|остались)[^.!?]{0,30}вопрос|"
    r"thank(?:s| you) for (?:contacting|reaching|your (?:message|question|patience|letter))|"
    r"(?:happy|glad) to help|(?:please )?(?:let us know|feel free)[^.!?]{0,40}(?:question|help|contact)|"
    r"if you have (?:any )?(?:other|more|further)? ?questions)",
    re.IGNORECASE,
)
_BETWEEN_SENTENCES = re.compile(r"((?<=[.!?…])\s+|\n+)")
# An order, a contract, a parcel: a number that this customer named.
_THEIR_NUMBER = re.compile(r"(?<![\w.,])\d{5,}(?![\d.,]*\s?(?:₽|руб|р\.|\$|€))(?!\w)")


def reusable_words(text: str, *, names: Iterable[str], said_by_customer: str) -> str:
    """`names`: what the customer is called; their numbers, and whatever looks personal, become gaps."""
    mask = Mask(names)
    mask.hide(said_by_customer)
    theirs = set(_THEIR_NUMBER.findall(said_by_customer))
    text = without_pleasantries(mask.hide(text))
    text = _THEIR_NUMBER.sub(lambda match: GAP if match[0] in theirs else match[0], text)
    return TOKEN.sub(GAP, text)


def without_pleasantries(text: str) -> str:
    text = _SIGNATURE.sub("", text.strip())
    text = _CALLED.sub("", _GREETING.sub("", text))
    # What stands between them goes with them.
    parts = _BETWEEN_SENTENCES.split(text)
    while parts and _is_courtesy(parts[0]):
        del parts[0]
    while parts and _is_courtesy(parts[-1]):
        del parts[-1]
    text = _CALLED.sub("", "".join(parts).strip())
    return text[:1].upper() + text[1:]


def _is_courtesy(sentence: str) -> bool:
    return not sentence.strip() or bool(_COURTESY.search(sentence)) or bool(small_talk_kind(sentence))
