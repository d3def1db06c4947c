"""What WhatsApp's error codes mean for us; the same ones come with an answer and, later, in a status. Titles are no promise."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from channels_app.base import TransportError
from channels_app.parts import mapping, words


@dataclass(frozen=True)
class Fault:
    """As in TransportError; `reason` is a sentence for agents."""

    reason: str
    permanent: bool = True
    retry_after: float | None = None
    whole_channel: bool = False
    unreachable: bool = False
    breaks_channel: bool = False
    window_closed: bool = False
    stale_templates: bool = False


class Refused(TransportError):
    """WhatsApp's own refusal, with its code: 0 where it gave none."""

    def __init__(self, fault: Fault, code: int) -> None:
        super().__init__(
            fault.reason,
            permanent=fault.permanent,
            retry_after=fault.retry_after,
            whole_channel=fault.whole_channel,
            unreachable=fault.unreachable,
            breaks_channel=fault.breaks_channel,
            window_closed=fault.window_closed,
            stale_templates=fault.stale_templates,
        )
        self.code = code


_WINDOW = Fault(
    gettext_noop("More than 24 hours since the customer's last message: only a template may be sent now."),
    window_closed=True,
)
_UNREACHABLE = Fault(
    gettext_noop("The customer cannot be reached on WhatsApp (no account, or an old version of the app)."),
    unreachable=True,
)
_BUSY = Fault(gettext_noop("Too many messages at once; they leave a little later."), False, 4, whole_channel=True)
_QUOTA = Fault(gettext_noop("WhatsApp asks the whole account for a pause."), False, 60, whole_channel=True)
_PAIR = Fault(gettext_noop("Too many messages to this customer in a short time; they leave a little later."), False, 16)
_SPAM = Fault(
    gettext_noop("WhatsApp has stopped this number: too many customers reported it as spam."), breaks_channel=True
)
_AWAY = Fault(gettext_noop("WhatsApp has a fault of its own."), permanent=False)
_MARKETING = Fault(
    gettext_noop("WhatsApp does not deliver advertising to this customer now. Do not repeat it within a day.")
)
_CONTENT = Fault(gettext_noop("WhatsApp does not take this kind of content."))
_FILE = Fault(gettext_noop("WhatsApp could not take the file. Check its type and size."))
_TOKEN = Fault(
    gettext_noop(
        "WhatsApp does not accept the access token, or it lacks a permission. Make a new one and save it here."
    ),
    breaks_channel=True,
)
_PAYMENT = Fault(gettext_noop("The WhatsApp account has no valid means of payment."), breaks_channel=True)
_LOCKED = Fault(gettext_noop("Meta has locked or restricted the WhatsApp account."), breaks_channel=True)
_NUMBER = Fault(
    gettext_noop("The phone number is not registered with WhatsApp, or its ID is wrong."), breaks_channel=True
)
_TEMPLATE = Fault(
    gettext_noop("The template cannot be sent: it was changed, paused or never approved."), stale_templates=True
)
_VARIABLES = Fault(gettext_noop("The variables do not fit the template."), stale_templates=True)

_FAULTS: dict[int, Fault] = {
    **dict.fromkeys((131047, 470), _WINDOW),
    **dict.fromkeys((131026, 1013), _UNREACHABLE),
    **dict.fromkeys((130429, 471, 1015), _BUSY),
    **dict.fromkeys((4, 80007), _QUOTA),
    131056: _PAIR,
    131048: _SPAM,
    **dict.fromkeys((1, 2, 131000, 131016, 133004, 1014, 1016), _AWAY),
    131057: Fault(gettext_noop("The WhatsApp account is being serviced."), False, 60, whole_channel=True),
    **dict.fromkeys((131049, 130472), _MARKETING),
    131050: Fault(gettext_noop("The customer does not want advertising from this number.")),
    131051: _CONTENT,
    **dict.fromkeys((131052, 131053), _FILE),
    **dict.fromkeys((0, 3, 10, 190, *range(200, 300)), _TOKEN),
    131005: _TOKEN,
    131030: Fault(gettext_noop("This is a test number: the customer is not in its list of recipients.")),
    131042: _PAYMENT,
    **dict.fromkeys((131031, 368), _LOCKED),
    **dict.fromkeys((131045, 133010, 33), _NUMBER),
    131021: Fault(gettext_noop("The company's own number cannot write to itself.")),
    **dict.fromkeys((132001, 132007, 132015, 132016, 132068, 132069), _TEMPLATE),
    **dict.fromkeys((132000, 132005, 132012, 132018), _VARIABLES),
    131062: Fault(
        gettext_noop("Messages of this kind need the customer's phone number, which WhatsApp has not told us.")
    ),
    131063: Fault(gettext_noop("Advertising is switched off for this WhatsApp account.")),
}
# Codes of what is wrong with one request, which a simpler one may not have.
FORM_CODES = frozenset({100, 131008, 131009, 131052, 131053})


def fault_of(error: Mapping[str, Any]) -> Fault:
    """Of an error object of an answer or a status, by its code; else in WhatsApp's own words."""
    code = code_of(error)
    known = _FAULTS.get(code) if code is not None else None
    if code == 100 and error.get("error_subcode") == 33:
        # No such object, or none that this token may see.
        known = _NUMBER
    if known is not None:
        return replace(known, reason=f"{_(known.reason)} ({code})")
    given = (mapping(error.get("error_data")).get("details"), *(error.get(k) for k in ("details", "message", "title")))
    said = next(filter(None, map(words, given)), "") or "?"
    reason = _("WhatsApp refused: %(reason)s") % {"reason": said[:200]}
    return Fault(f"{reason} ({code})" if code is not None else reason, permanent=error.get("is_transient") is not True)


def code_of(error: Mapping[str, Any]) -> int | None:
    code = error.get("code")
    if isinstance(code, str) and code.isascii() and code.isdecimal() and len(code) < 10:
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def refusal(status: int, error: Mapping[str, Any], pause: float | None) -> Refused:
    """Of an answer with this HTTP status; `pause`: its Retry-After in seconds."""
    code = code_of(error)
    if code in _FAULTS:
        fault = fault_of(error)
    elif status == 429:
        fault = replace(_BUSY, reason=_(_BUSY.reason))
    elif status in {401, 403}:
        fault = replace(_TOKEN, reason=_(_TOKEN.reason))
    elif status >= 500:
        fault = replace(_AWAY, reason=f"{_(_AWAY.reason)} ({status})")
    elif error:
        fault = fault_of(error)
    else:
        reason = _("The address of the API answers with an error (%(status)s). Check it in the channel's settings.")
        fault = Fault(reason % {"status": status}, breaks_channel=status == 404)
    if pause is not None and fault.retry_after is not None:
        fault = replace(fault, retry_after=pause)
    return Refused(fault, code or 0)
