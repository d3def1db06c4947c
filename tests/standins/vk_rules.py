"""What VK refuses, in the words of its errors: parameters, texts, keyboards, attachments."""

import json
from typing import Any

from tests.standins.server import Answer, Request

TEXT_LIMIT = 4096
COLOURS = {"primary", "secondary", "positive", "negative"}
KINDS = {"text", "callback", "open_link", "location", "vkpay", "open_app"}


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def error(code: int, message: str = "", /, **form: str) -> Answer:
    """Status 200, and everything that was sent comes back."""
    params = [{"key": key, "value": value} for key, value in form.items() if key != "access_token"]
    told = {"error_code": code, "error_msg": message or f"Error {code}", "request_params": params}
    return Answer(json={"error": told})


def check_text(form: dict[str, str]) -> str:
    text = form.get("message", "")
    if not text and not form.get("attachment"):
        raise Refused(100, "One of the parameters specified was missing or invalid: message is empty or invalid")
    if len(text) > TEXT_LIMIT:
        raise Refused(914, "Message is too long")
    return text


def read_random_id(form: dict[str, str]) -> int:
    try:
        number = int(form["random_id"])
    except (KeyError, ValueError):
        raise Refused(
            100, "One of the parameters specified was missing or invalid: random_id is a required parameter"
        ) from None
    if not -(2**31) <= number < 2**31:
        raise Refused(100, "One of the parameters specified was missing or invalid: random_id should be int32")
    return number


def check_keyboard(text: str) -> dict[str, Any]:
    try:
        board = json.loads(text)
        rows = board["buttons"]
        most_rows, most = (6, 10) if board.get("inline") else (10, 40)
        fits = len(rows) <= most_rows and sum(map(len, rows)) <= most and all(1 <= len(row) <= 5 for row in rows)
        fits = fits and all(_is_button(button) for row in rows for button in row)
    except (ValueError, KeyError, TypeError, AttributeError):
        fits = False
    if not fits:
        raise Refused(911, "Keyboard format is invalid")
    return dict(board)


def _is_button(button: dict[str, Any]) -> bool:
    action = button["action"]
    payload = action.get("payload", "{}")
    return (
        button.get("color", "primary") in COLOURS
        and action["type"] in KINDS
        and 1 <= len(action["label"]) <= 40
        and len(payload) <= 255
        and isinstance(json.loads(payload), dict)
    )


def answers_to(form: dict[str, str], known: set[int]) -> int:
    """The number of the message that this one answers, or 0."""
    if not form.get("forward"):
        return 0
    forward = json.loads(form["forward"])
    (number,) = forward["conversation_message_ids"]
    if forward.get("is_reply") != 1 or str(forward.get("peer_id")) != form["peer_id"]:
        raise Refused(100, "One of the parameters specified was missing or invalid: forward is invalid")
    if number not in known:
        raise Refused(921, "Can't forward these messages")
    return int(number)


def form_of(request: Request) -> dict[str, str]:
    """Raises Refused: VK reads forms only, and wants its version named."""
    if "json" in request.headers.get("content-type", ""):
        raise Refused(100, "One of the parameters specified was missing or invalid: JSON bodies are not read")
    form = {**request.query, **request.form}
    if form.get("v") != "5.199":
        raise Refused(8, "Invalid request: v (version) is required")
    return form
