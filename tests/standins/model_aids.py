"""How the model behind the stand-ins helps agents: plain rules, so that a test can tell what has to come."""

import json
import re
from collections.abc import Sequence

_FENCED = r"<({name}[\w:-]*)>\n(.*?)\n</\1>"
# What stays as it is in every language.
_KEPT = re.compile(r"\[[A-Z]+_\d+\]|\S*@\S+|https?://\S+|(?:[\w-]+\.)+[a-z]{2,}\S*")
_LATIN = dict(zip("абвгдезийклмнопрстуфхцыэ", "abvgdeziyklmnoprstufhcye", strict=True)) | {
    "ё": "yo", "ж": "zh", "ч": "ch", "ш": "sh", "щ": "sch", "ъ": "", "ь": "", "ю": "yu", "я": "ya",
}  # fmt: skip
_CYRILLIC = {latin: cyrillic for cyrillic, latin in _LATIN.items() if len(latin) == 1} | {
    "e": "е", "w": "в", "x": "кс", "q": "к", "j": "дж",
}  # fmt: skip


def help_with(messages: Sequence[tuple[str, str]]) -> str:
    """The JSON text for what an agent has asked for; empty where these messages ask for something else."""
    told = next((text for role, text in messages if role == "system"), "")
    asked = next((text for role, text in reversed(messages) if role == "user"), "")
    text = _part("text", asked)
    if not text:
        return ""
    if "Rewrite" in told:
        given = {"text": _rewritten(text, told)}
    elif "Translate" in told:
        wants_russian = "into Russian" in told or bool(re.search("[а-яё]", _part("sample", asked).lower()))
        given = {"text": translated(text, "ru" if wants_russian else "en")}
    elif "Sum up" in told:
        given = {"text": translated(_summary(text), "ru" if "in Russian" in told else "en")}
    elif "Choose" in told:
        return json.dumps(_triage(text, _part("tags", asked).splitlines()), ensure_ascii=False)
    else:
        return json.dumps(_pair(text), ensure_ascii=False)
    return json.dumps(given, ensure_ascii=False)


def _part(name: str, text: str) -> str:
    found = re.search(_FENCED.format(name=name), text, re.DOTALL)
    return found[2].strip() if found else ""


def _rewritten(text: str, told: str) -> str:
    russian = bool(re.search("[а-яё]", text.lower()))
    sentences = re.split(r"(?<=[.!?])\s+", text)
    if "shorter" in told:
        return " ".join(sentences[: max(1, len(sentences) // 2)])
    if "kinder" in told:
        return f"{'Спасибо, что написали!' if russian else 'Thank you for writing!'} {text}"
    if "formal" in told:
        return f"{'Уважаемый клиент!' if russian else 'Dear customer!'} {text}"
    tidy = " ".join(text.split())
    return tidy[0].upper() + tidy[1:] + ("" if tidy[-1] in ".!?" else ".")


def translated(text: str, language: str) -> str:
    """In the other alphabet, which is all that a check of the language can see."""
    done, at = [], 0
    for kept in [*_KEPT.finditer(text), None]:
        done.append(_spelt(text[at : kept.start() if kept else None], language))
        if kept:
            done.append(kept[0])
            at = kept.end()
    return "".join(done)


def _spelt(text: str, language: str) -> str:
    letters = _LATIN if language == "en" else _CYRILLIC
    return "".join(
        letters.get(char.lower(), char).upper() if char.isupper() else letters.get(char, char) for char in text
    )


def _summary(text: str) -> str:
    lines = text.splitlines()
    asked = next((line for line in lines if line.startswith("customer: ")), "customer: ")
    said = next((line for line in reversed(lines) if line.startswith("support: ")), "support: ")
    return f"Клиент: {asked.partition(': ')[2]} Ответ: {said.partition(': ')[2] or 'нет'}"


def _triage(text: str, tags: Sequence[str]) -> dict[str, object]:
    fitting = [tag for tag in tags if tag.lower()[:5] in text.lower()]
    urgent = re.search("срочно|urgent", text, re.IGNORECASE)
    return {"tags": fitting, "priority": "high" if urgent else "normal"}


def _pair(text: str) -> dict[str, object]:
    lines = [line.partition(": ") for line in text.splitlines()]
    question = next((words for who, _, words in lines if who == "customer" and "?" in words), "")
    answer = max((words for who, _, words in lines if who == "support"), key=len, default="")
    return {"reusable": bool(question and answer), "question": question, "answer": answer}
