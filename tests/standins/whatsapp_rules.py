"""What the Cloud API refuses, and in which words: codes with their HTTP status, limits of messages and files."""

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.standins.server import Answer, Request

MB = 1024 * 1024
# kind → (types, bytes)
MEDIA = {
    "image": ({"image/jpeg", "image/png"}, 5 * MB), "video": ({"video/mp4", "video/3gpp"}, 16 * MB),
    "audio": ({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}, 16 * MB),
    "sticker": ({"image/webp"}, 500 * 1024), "document": (set(), 100 * MB),
}  # fmt: skip
TITLES = {
    0: "AuthException", 4: "Application request limit reached", 10: "Application does not have permission for this action",
    100: "Invalid parameter", 190: "Error validating access token", 130429: "Rate limit hit", 131000: "Something went wrong",
    131008: "Required parameter is missing", 131009: "Parameter value is not valid", 131026: "Message undeliverable",
    131030: "Recipient phone number not in allowed list", 131047: "Re-engagement message", 131048: "Spam rate limit hit",
    131051: "Unsupported message type", 131053: "Media upload error", 131056: "Pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params", 132001: "Template name does not exist",
}  # fmt: skip
_STATUS = {
    0: 401,
    4: 429,
    10: 403,
    190: 401,
    130429: 429,
    131000: 500,
    131016: 503,
    131048: 429,
    131056: 429,
    132001: 404,
}


class Refused(Exception):
    def __init__(self, code: int, details: str = "", **more: Any) -> None:
        super().__init__(f"{code} {details}")
        self.answer = error(code, details, **more)


def error(code: int, details: str = "", *, status: int = 0, **more: Any) -> Answer:
    """An error as the Graph API words it, under the HTTP status that goes with the code."""
    title = TITLES.get(code, "Error")
    found: dict[str, Any] = {"message": f"(#{code}) {title}", "type": "OAuthException", "code": code,
                             "fbtrace_id": "AbCdEf0123456789"}  # fmt: skip
    if details:
        found["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return Answer(status or _STATUS.get(code, 400), json={"error": {**found, **more}})


def check_text(text: Mapping[str, Any]) -> None:
    if not 1 <= len(str(text.get("body", "")).encode("utf-16-le")) // 2 <= 4096:
        raise Refused(131009, "text.body must be 1 to 4096 characters")


def check_interactive(interactive: Mapping[str, Any]) -> None:
    body, choices = (
        str(interactive["body"]["text"]),
        [choice for _kind, choice in choices_of({"interactive": interactive})],
    )
    button = interactive["type"] == "button"
    titles = [choice["title"] for choice in choices]
    fits = 1 <= len(body) <= 1024 and 1 <= len(choices) <= (3 if button else 10)
    fits = fits and all(1 <= len(title) <= (20 if button else 24) for title in titles)
    fits = fits and all(1 <= len(choice["id"]) <= (256 if button else 200) for choice in choices)
    fits = fits and all(len(choice.get("description", "")) <= 72 for choice in choices)
    if (
        not fits
        or len({choice["id"] for choice in choices}) < len(choices)
        or (button and len(set(titles)) < len(titles))
    ):
        raise Refused(131009, "interactive is not valid")
    if not button and not 1 <= len(interactive["action"]["button"]) <= 20:
        raise Refused(131009, "interactive.action.button is not valid")


def choices_of(message: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    action = (message.get("interactive") or {}).get("action", {})
    rows = [row for section in action.get("sections", []) for row in section["rows"]]
    return [("button_reply", button["reply"]) for button in action.get("buttons", [])] + [
        ("list_reply", row) for row in rows
    ]


def read_form(request: Request) -> tuple[dict[str, str], tuple[bytes, str, str]]:
    """The fields of a multipart body, and its file with type and name."""
    kind = request.headers.get("content-type", "").encode()
    mail = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind + b"\r\n\r\n" + request.body)
    fields, file = {}, (b"", "", "")
    for part in mail.iter_parts():
        content = bytes(part.get_payload(decode=True) or b"")
        if part.get_filename():
            file = (content, str(part["content-type"]), str(part.get_filename()))
        else:
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return fields, file
