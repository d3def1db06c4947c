"""The ledger of a story: what was sent, written down before it was; and verdicts, joins of it with the database and with the
calls that the stand-ins have received."""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One message. `seq` grows within a chat; `key` is our idempotency key outbound, the provider's id inbound."""

    key: str
    chat: str
    seq: int
    text: str


class Ledger:
    """`accepted` holds the keys that somebody was promised: a commit outbound, a 2xx inbound."""

    def __init__(self, path: Path | None) -> None:
        self.entries: dict[str, Entry] = {}
        self.accepted: set[str] = set()
        self._file = path.open("a", encoding="utf-8") if path else None

    def write(self, chat: str, seq: int, key: str = "") -> Entry:
        key = key or str(uuid.uuid4())
        entry = Entry(key, chat, seq, f"№{seq} · {key}")
        assert self._file is not None, "a part is for reading"
        self._file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        self._file.flush()
        self.entries[key] = entry
        return entry

    def accept(self, entry: Entry) -> None:
        self.accepted.add(entry.key)

    def part(self, wanted: Callable[[Entry], bool]) -> "Ledger":
        """For a verdict of one channel or direction."""
        part = Ledger(None)
        part.entries = {key: entry for key, entry in self.entries.items() if wanted(entry)}
        part.accepted = self.accepted & set(part.entries)
        return part


def key_in(text: str) -> str:
    return text.rpartition(" · ")[2]


@dataclass
class Verdict:
    """Keys of what went wrong; `figures` are measured numbers."""

    sent: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.disordered)

    def __str__(self) -> str:
        counts = {name: len(getattr(self, name)) for name in ("lost", "doubled", "disordered", "uncertain")}
        return "  ".join(f"{name}={value}" for name, value in ({"sent": self.sent} | counts | self.figures).items())


def judge_sending(ledger: Ledger, arrivals: Iterable[tuple[str, str]], *, keyed: bool = False) -> Verdict:
    """`arrivals`: (idempotency key or "", text) of every message the provider was given, in order of arrival.

    Where the provider knows keys, a repeat under the same key is none; under another it is a doubled message.
    """
    from tickets.models import Delivery, Message

    given: dict[str, list[str]] = defaultdict(list)
    order: dict[str, list[int]] = defaultdict(list)
    for key, text in arrivals:
        entry = ledger.entries.get(key_in(text))
        if entry is None:
            continue
        if not given[entry.key]:
            order[entry.chat].append(entry.seq)
        given[entry.key].append(key if keyed else str(len(given[entry.key])))
    rows = dict(Message.objects.filter(client_id__in=ledger.entries).values_list("client_id", "delivery"))
    states = {str(key): state for key, state in rows.items()}
    settled = {Delivery.SENT, Delivery.DELIVERED, Delivery.READ}
    verdict = Verdict(len(ledger.accepted))
    for key in ledger.accepted:
        state = states.get(key)
        if state == Delivery.UNCERTAIN:
            verdict.uncertain.append(key)
        elif state not in {*settled, Delivery.FAILED} or (state in settled and not given.get(key)):
            verdict.lost.append(key)
    verdict.doubled = [key for key, times in given.items() if len(set(times)) > 1]
    # Delivered without a row that says so: a side effect that nobody knows of.
    verdict.doubled += [key for key in given if states.get(key) is None]
    verdict.disordered = [chat for chat, seqs in order.items() if seqs != sorted(seqs)]
    return verdict


def judge_receiving(ledger: Ledger) -> Verdict:
    """Of messages whose text is that of an entry; a ledger row of the product counts as doubled just like a message."""
    from channels_app.models import InboundEvent
    from tickets.models import Author, Message

    rows = list(Message.objects.filter(author=Author.CONTACT).order_by("id").values_list("text", "address__address"))
    found = Counter(key_in(text) for text, _address in rows)
    order: dict[str, list[int]] = defaultdict(list)
    for text, address in rows:
        entry = ledger.entries.get(key_in(text))
        if entry is not None:
            order[address].append(entry.seq)
    kept = Counter(InboundEvent.objects.values_list("channel_id", "event_key"))
    verdict = Verdict(len(ledger.accepted))
    verdict.lost = [key for key in ledger.accepted if not found[key]]
    verdict.doubled = [key for key, times in found.items() if key in ledger.entries and times > 1]
    verdict.doubled += [f"ledger row {key}" for (_channel, key), times in kept.items() if times > 1]
    verdict.disordered = [chat for chat, seqs in order.items() if seqs != sorted(seqs)]
    return verdict
