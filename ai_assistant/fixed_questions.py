"""Whether two questions are the same one, said with other forms of the same words."""

import re

from ai_assistant.triggers import small_talk_kind
from knowledge.encoding import terms_of

# Words of courtesy: a question with them is the same question. «не», «как», «где», “not” and numbers are never left out.
_COURTESY = frozenset(
    terms_of(
        "пожалуйста подскажите подскажи скажите скажи будьте добры любезны а и же ли бы мне у вас вы ваш ваши "
        "please tell me could would you the a an do does is are"
    )
)
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")


def question_key(text: str) -> str:
    """Equal for the same question. Empty where nothing is asked."""
    # Greetings and thanks around it are left out; anything else that is said counts, so that a story is no match.
    asked = [sentence for sentence in _SENTENCE.findall(text) if not small_talk_kind(sentence)]
    return " ".join(sorted(set(terms_of(" ".join(asked))) - _COURTESY))
