"""From the inbound ledger to tickets: one drainer at a time per channel, in order of arrival, one savepoint per row."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Func, IntegerField, Q, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.base import (
    Adapter,
    AddressBlocked,
    AddressChanged,
    ButtonPressed,
    ConversationStarted,
    DeletedMessage,
    Echo,
    EditedMessage,
    Elsewhere,
    InboundResult,
    MessageReceived,
    NotUnderstood,
    Reaction,
    ReadUpTo,
    Receipt,
    TemplatesChanged,
    Typing,
    Unparsable,
    WindowClosed,
)
from channels_app.kinds import adapter_class
from channels_app.models import Channel, InboundEvent
from channels_app.parts import words
from channels_app.registry import adapter_for
from channels_app.services.channels import assignee_of_new
from channels_app.services.loops import leave_to_people
from channels_app.services.templates import note_changed_templates
from tenants.db import try_lock
from tenants.fairness import backlog
from tenants.names import current_schema
from tenants.tasking import MergedCalls
from tickets.models import Status, Ticket
from tickets.realtime import publish_typing
from tickets.services import addresses, receipts, receive
from tickets.services.addresses import Profile

log = structlog.get_logger(__name__)

# Rows per transaction: fewer commits under load, and nobody waits long for the first of them.
BATCH = 10
MAX_ATTEMPTS = 3
FAILED = InboundEvent.State.FAILED
TYPING_IS_NEWS = timedelta(seconds=10)


def drain_channel(channel_id: UUID, calls: MergedCalls | None = None) -> int:
    """Processes what waits in a channel's ledger. Returns the number of rows; 0 when another worker is at it. `calls`: those
    that woke us, of which no more are needed while we are at it."""
    done = 0
    waiting = InboundEvent.objects.filter(channel_id=channel_id, state=InboundEvent.State.RECEIVED).order_by("id")
    while True:
        # Whoever comes second leaves at once: the first looks again after it has let go.
        with try_lock("drain", channel_id) as mine:
            channel = Channel.objects.filter(id=channel_id).first() if mine else None
            if channel is None:
                return done
            adapter = adapter_for(channel)
            while rows := _next_batch(waiting):
                if calls and len(rows) == BATCH:
                    calls.hold_back()
                with backlog(current_schema()) if done else nullcontext():
                    _take_in(rows, channel, adapter)
                done += len(rows)
                if len(rows) < BATCH:
                    break
        if calls:
            calls.let_go()
        if not waiting.exists():
            return done


def _take_in(rows: Sequence[InboundEvent], channel: Channel, adapter: Adapter) -> None:
    _begin(rows)
    _prepare(rows, adapter)
    with transaction.atomic():
        for row in rows:
            _process(row, channel, adapter)
        _note_outcomes(rows)
        Channel.objects.filter(id=channel.id).update(last_inbound_at=timezone.now())


def _next_batch(waiting: QuerySet[InboundEvent]) -> list[InboundEvent]:
    """Alone, when it has been begun before: whatever a worker died over must not take its neighbours along again."""
    rows = list(waiting[:BATCH])
    again = next((place for place, row in enumerate(rows) if row.attempts), None)
    return rows if again is None else rows[: max(again, 1)]


def _begin(rows: Sequence[InboundEvent]) -> None:
    """Committed before the work, so that a row which ends its worker is known when it comes again."""
    InboundEvent.objects.filter(id__in=[row.pk for row in rows]).update(attempts=F("attempts") + 1)
    for row in rows:
        row.attempts += 1


def _prepare(rows: Sequence[InboundEvent], adapter: Adapter) -> None:
    try:
        adapter.prepare([bytes(row.body) for row in rows])
    except Exception:
        # Without a name a message is still a message.
        log.exception("inbound_not_prepared", channel=str(adapter.channel.id))


def _process(row: InboundEvent, channel: Channel, adapter: Adapter) -> None:
    if row.attempts > MAX_ATTEMPTS:
        row.state = InboundEvent.State.FAILED
        row.error = row.error or _("The worker has ended %(times)d times in the middle of it.") % {
            "times": MAX_ATTEMPTS
        }
    else:
        _understand(row, channel, adapter)


def _note_outcomes(rows: Sequence[InboundEvent]) -> None:
    """Rows with the same end, so nearly always all of them, share a statement."""
    ends: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        ends.setdefault((row.state, row.error), []).append(row.pk)
    for (state, error), ids in ends.items():
        InboundEvent.objects.filter(id__in=ids).update(state=state, error=error, processed_at=timezone.now())


def _understand(row: InboundEvent, channel: Channel, adapter: Adapter) -> None:
    try:
        results = adapter.parse(row.headers, bytes(row.body))
        _apply_all(channel, [_traced(result, row) for result in results])
        row.state = InboundEvent.State.DONE if results else InboundEvent.State.IGNORED
        row.error = ""
    except Unparsable as error:
        row.state = InboundEvent.State.FAILED
        row.error = words(str(error))[:2000]
    except Exception as error:
        # A poison row must not hold up those behind it: a few tries, then it waits for a person with its reason.
        log.exception("inbound_failed", channel=str(channel.id), event_id=row.pk)
        # Without NUL: a reason that cannot be stored would hold up everything behind this row.
        row.error = words(f"{type(error).__name__}: {error}")[:2000]
        if row.attempts >= MAX_ATTEMPTS:
            row.state = InboundEvent.State.FAILED


def _traced(result: InboundResult, row: InboundEvent) -> InboundResult:
    """A message leads back to the row that it came in: admins see the raw, files inside the body are unpacked from it."""
    if isinstance(result, Elsewhere):
        return replace(result, result=_traced(result.result, row))
    if not isinstance(result, MessageReceived | ButtonPressed | ConversationStarted | EditedMessage | Echo):
        return result
    incoming = result.incoming
    files = tuple(
        replace(file, remote={**file.remote, "ledger": row.pk}) if "part" in file.remote else file
        for file in incoming.files
    )
    # An edit's content is compared with what is known: there a new row would look like a change.
    is_edit = isinstance(result, EditedMessage) or (isinstance(result, Echo) and result.edited_at)
    content = incoming.content if is_edit else {**incoming.content, "ledger": str(row.pk)}
    return replace(result, incoming=replace(incoming, files=files, content=content))


def _apply_all(channel: Channel, results: Sequence[InboundResult]) -> None:
    """Each on its own: one that fails leaves those beside it in place, for a repeat finds them. Raises the first fault."""
    fault: Exception | None = None
    for result in results:
        try:
            with transaction.atomic():
                apply_result(channel, result)
        except Exception as error:
            # What nobody understands must not hide a fault that a repeat may heal.
            hidden = isinstance(fault, Unparsable) and not isinstance(error, Unparsable)
            fault = error if fault is None or hidden else fault
    if fault is not None:
        raise fault


def apply_result(channel: Channel, result: InboundResult) -> None:
    """One typed event into the core; also the way in for kinds without a webhook."""
    match result:
        case ConversationStarted():
            started = {**result.incoming.content, "started": result.payload}
            _receive(channel, replace(result, incoming=replace(result.incoming, content=started)), result.payload)
        case MessageReceived() | ButtonPressed():
            _receive(channel, result)
        case EditedMessage():
            if not _edit(channel, result):
                _receive(channel, result)
        case Echo():
            _take_echo(channel, result)
        case Elsewhere():
            _hand_on(channel, result)
        case _:
            _apply_notice(channel, result)


def _take_echo(channel: Channel, result: Echo) -> None:
    if result.edited_at and _edit(channel, result):
        return
    receipts.receive_echo(
        channel_id=channel.id,
        address=result.address,
        profile=result.profile,
        incoming=result.incoming,
        key=result.key,
        is_of=result.is_of,
        is_whole=result.is_whole,
    )


def _edit(channel: Channel, result: EditedMessage | Echo) -> bool:
    return receive.edit_received_message(
        channel_id=channel.id,
        address=result.address,
        external_id=result.incoming.external_id,
        text=result.incoming.text,
        edited_at=result.edited_at,
        content=result.incoming.content,
        files=result.incoming.files,
        by_company=isinstance(result, Echo),
    )


def _apply_notice(channel: Channel, result: InboundResult) -> None:
    """What concerns messages, addresses and templates that are there already."""
    match result:
        case DeletedMessage():
            receive.delete_received_message(
                channel_id=channel.id, address=result.address, external_id=result.external_id
            )
        case Receipt():
            known = receipts.note_receipt(
                channel_id=channel.id,
                address=result.address,
                external_id=result.external_id,
                state=result.state,
                error=result.error,
                key=result.key,
            )
            if not known:
                log.info("receipt_for_unknown_message", channel=str(channel.id), state=result.state)
        case ReadUpTo():
            receipts.note_read_up_to(channel_id=channel.id, address=result.address, external_id=result.external_id)
        case Reaction():
            receive.note_reaction(
                channel_id=channel.id, address=result.address, external_id=result.external_id, emoji=result.emoji
            )
        case Typing():
            _show_typing(channel, result)
        case TemplatesChanged():
            note_changed_templates(channel.id)
        case NotUnderstood():
            raise Unparsable(result.reason)
        case _:
            _apply_to_address(channel, result)


def _apply_to_address(channel: Channel, result: InboundResult) -> None:
    match result:
        case AddressChanged():
            addresses.change_address(channel_id=channel.id, address=result.address, new_address=result.new_address)
        case AddressBlocked():
            addresses.set_reachable(channel_id=channel.id, address=result.address, reason=result.reason)
        case WindowClosed():
            addresses.close_window(channel_id=channel.id, address=result.address, at=result.at)


def _hand_on(channel: Channel, result: Elsewhere) -> None:
    others = Channel.objects.filter(kind=channel.kind, external_id=result.external_id, is_active=True)
    other = others.exclude(id=channel.id).first()
    if other is None:
        log.info("for_no_channel_of_ours", channel=str(channel.id), external_id=result.external_id)
    else:
        apply_result(other, result.result)


def _show_typing(channel: Channel, result: Typing) -> None:
    # Old news from a queue that stood still would show somebody who has long left.
    if result.at is not None and timezone.now() - result.at > TYPING_IS_NEWS:
        return
    ticket = Ticket.objects.filter(address__in=addresses.addresses_named(channel.id, result.address))
    live = ticket.exclude(status=Status.CLOSED).select_related("contact").first()
    if live is not None:
        transaction.on_commit(lambda: publish_typing(live.id, str(live.contact), result.on, visitor=True))


def _receive(
    channel: Channel,
    result: MessageReceived | ButtonPressed | ConversationStarted | EditedMessage,
    start_code: str = "",
) -> None:
    message, is_new = receive.receive_message(
        channel_id=channel.id,
        address=result.address,
        profile=_vouched(channel, result.profile),
        incoming=result.incoming,
        assign_to=assignee_of_new(channel),
        start_code=start_code,
        edited_at=result.edited_at if isinstance(result, EditedMessage) else None,
    )
    if is_new:
        leave_to_people(channel, message, result.incoming.quiet)


def _vouched(channel: Channel, profile: Profile) -> Profile:
    if not adapter_class(channel.kind).vouches:
        return profile
    return replace(profile, details={**profile.details, "verified": True})


def replayable(rows: QuerySet[InboundEvent]) -> QuerySet[InboundEvent]:
    """Those that came to nothing; what was processed would only be found to be there."""
    return rows.filter(state__in=[FAILED, InboundEvent.State.IGNORED])


def replay(event_ids: Sequence[int]) -> list[UUID]:
    """Puts failed and ignored ledger rows back. Returns the channels whose drainer must be woken."""
    return _put_back(replayable(InboundEvent.objects.filter(id__in=event_ids)))


def replay_failed(channel_id: UUID) -> int:
    """Puts everything back that failed in this channel. Returns how many rows."""
    failed = InboundEvent.objects.filter(channel_id=channel_id, state=FAILED)
    count = failed.count()
    _put_back(failed)
    return count


def count_failed(channel_id: UUID) -> int:
    return InboundEvent.objects.filter(channel_id=channel_id, state=FAILED).count()


def _put_back(rows: QuerySet[InboundEvent]) -> list[UUID]:
    channels = list(rows.values_list("channel_id", flat=True).distinct())
    rows.update(state=InboundEvent.State.RECEIVED, attempts=0, error="", processed_at=None)
    return channels


def search_ledger(rows: QuerySet[InboundEvent], words_sought: str) -> QuerySet[InboundEvent]:
    """Rows whose key, reason or raw body has these words; bodies are bytes, in which JSON may have spelt letters out."""
    sought = words_sought.strip()
    if not sought:
        return rows
    spelt = {sought, json.dumps(sought)[1:-1], json.dumps(sought, ensure_ascii=False)[1:-1]}
    found = Q(event_key__icontains=sought) | Q(error__icontains=sought)
    for place, spelling in enumerate(sorted(spelt)):
        name = f"at_{place}"
        where = Func(Value(spelling.encode("utf-8", "ignore")), F("body"), template="position(%(expressions)s)",
                     arg_joiner=" IN ", output_field=IntegerField())  # fmt: skip
        rows = rows.alias(**{name: where})
        found |= Q(**{f"{name}__gt": 0})
    return rows.filter(found)
