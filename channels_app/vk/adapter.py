"""Messages of a VK community: one access key a channel, Callback API or long polling. Repeats of a send are known to VK by
`random_id`, so a lost answer is tried again."""

import hmac
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop
from pydantic import BaseModel, Field, field_validator

from channels_app.base import Adapter as BaseAdapter
from channels_app.base import (
    ChannelInfo,
    Connected,
    FetchedFile,
    InboundResult,
    Limits,
    OutgoingFile,
    OutgoingMessage,
    Rate,
    SendResult,
    TransportError,
    UnknownOutcome,
    Unparsable,
)
from channels_app.download import download
from channels_app.parts import items, load_object, mapping, number, words
from channels_app.vk import client, outgoing
from channels_app.vk.content import address_of
from channels_app.vk.history import received_since
from channels_app.vk.incoming import Lookups, parse_event
from channels_app.vk.lookups import fetch_messages, look_up
from channels_app.vk.outgoing import Step
from channels_app.vk.payloads import Group, read_event, read_groups, read_message, saved_of
from channels_app.vk.servers import Servers, confirmation_code
from omnisupport.lib.crypto import derive_secret
from omnisupport.lib.errors import NotAuthenticated
from omnisupport.lib.http import until

POLL_SECONDS = 25
# Uploads included; a claimed message counts as abandoned some seconds later (delivery.STALE_AFTER).
STEP_SECONDS = 60
# For what is only nice to know: names, numbers of messages that have left.
ASIDE_SECONDS = 5.0
# With the bit of each in the mask.
_NEEDED = {"messages": 4096, "manage": 262144, "photos": 4, "docs": 131072}
# VK does not find, or does not let be quoted, what the answer hangs on.
_NO_REPLY = {100, 921}


class Secrets(BaseModel):
    token: str = Field(title=gettext_noop("Access key of the community from VK"))

    @field_validator("token")
    @classmethod
    def _token(cls, value: str) -> str:
        value = value.strip().removeprefix("Bearer ")
        if not (len(value) >= 20 and value.isascii() and value.isprintable() and " " not in value):
            raise ValueError(_("copy the whole key, without spaces"))
        return value


class Adapter(BaseAdapter):
    title = gettext_lazy("VK")
    icon = "chat"
    vouches = True
    numbers_anew = True
    limits: ClassVar[Limits] = Limits(
        text=settings.VK_TEXT_LIMIT, caption=settings.VK_TEXT_LIMIT, file_bytes=50 * 1024 * 1024,
        buttons=outgoing.BUTTONS_LIMIT,
    )  # fmt: skip
    idempotent = True
    can_poll = True
    # VK lets a community call 20 times a second; a message takes two calls.
    rate = Rate(per_second=9, burst=5)
    Secrets = Secrets

    def __init__(self, channel: ChannelInfo) -> None:
        super().__init__(channel)
        self._known = Lookups()

    @property
    def _token(self) -> str:
        return str(self.channel.secrets.get("token", ""))

    @property
    def _group_id(self) -> str:
        return str(self.channel.config.get("group_id", ""))

    @property
    def _webhook_secret(self) -> str:
        return derive_secret(f"vk:{self.channel.id}")

    def _call(self, method: str, data: Mapping[str, Any]) -> Any:
        return client.call(self._token, method, data)

    def _ask(self, method: str, data: Mapping[str, Any]) -> Any:
        """For set-up and files: a lost answer is as good as a fault, the call may be repeated."""
        try:
            try:
                return self._call(method, data)
            except client.Refusal as error:
                if error.code != client.TOO_MANY:
                    raise
                time.sleep(1)
                return self._call(method, data)
        except UnknownOutcome as error:
            raise TransportError(str(error)) from None

    def _ask_aside(self, method: str, data: Mapping[str, Any]) -> Any:
        return client.call(self._token, method, data, seconds=ASIDE_SECONDS)

    # -- inbound

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """The secret stands in the body. Without one VK may ask who we are, and nothing else."""
        try:
            event = read_event(body)
        except Unparsable:
            raise NotAuthenticated("no event") from None
        if not self._group_id or str(event.group_id) != self._group_id:
            raise NotAuthenticated("wrong community")
        asks = event.type == "confirmation"
        if asks and not self._code:
            # Perhaps we have learnt it a moment ago.
            raise NotAuthenticated("no confirmation string")
        if asks and "secret" not in load_object(body):
            return
        if not hmac.compare_digest(event.secret.encode(), self._webhook_secret.encode()):
            raise NotAuthenticated("wrong secret")

    @property
    def _code(self) -> str:
        return str(self.channel.config.get("confirmation_code", ""))

    def event_key(self, headers: Mapping[str, str], body: bytes) -> str:
        try:
            key = read_event(body).event_id
        except Unparsable:
            key = ""
        return key if 0 < len(key) <= 200 else super().event_key(headers, body)

    def reply(self, headers: Mapping[str, str], body: bytes) -> bytes | None:
        # Most bodies are spared another reading.
        if b"confirmation" not in body or read_event(body).type != "confirmation":
            return None
        return self._code.encode()

    def redact(self, body: bytes) -> bytes:
        if b"secret" not in body:
            return body
        if (plain := f'"{self._webhook_secret}"'.encode()) in body:
            # As VK writes it. Reading and writing all of it anew would cost more than storing it.
            return body.replace(plain, b'""')
        try:
            event = dict(load_object(body))
        except ValueError:
            return body
        if event.pop("secret", None) is None:
            return body
        return json.dumps(event, ensure_ascii=False).encode("utf-8", "replace")

    def prepare(self, bodies: Sequence[bytes]) -> None:
        self._known = look_up(self._ask_aside, bodies)

    def parse(self, headers: Mapping[str, str], body: bytes) -> Sequence[InboundResult]:
        return parse_event(body, self._known)

    def fetch_file(self, remote: Mapping[str, Any]) -> FetchedFile:
        """Addresses end after a while; VK gives the message with new ones."""
        try:
            return download(words(remote.get("url")))
        except TransportError as error:
            url = self._new_address(remote) if error.permanent else ""
            if not url:
                raise
            return download(url)

    def _new_address(self, remote: Mapping[str, Any]) -> str:
        peer, cmid, key = number(remote.get("peer")), number(remote.get("cmid")), words(remote.get("key"))
        if not (peer and cmid and key):
            return ""
        with suppress(TransportError):
            for message in fetch_messages(self._ask, peer, [cmid]):
                found = address_of(message, key)
                if found != remote.get("url"):
                    return found
        return ""

    def answer_callback(self, callback_id: str) -> None:
        event_id, user, peer = callback_id.rsplit(":", 2)
        data = {"event_id": event_id, "user_id": user, "peer_id": peer}
        shown = json.dumps({"type": "show_snackbar", "text": _("Received")[:90]}, ensure_ascii=False)
        # Too old to answer: the press itself is stored all the same.
        with suppress(TransportError, UnknownOutcome):
            self._call("messages.sendMessageEventAnswer", {**data, "event_data": shown})

    # -- outbound

    def send(self, message: OutgoingMessage) -> SendResult:
        """Several calls where one is not enough; each that went through is noted, so that no later try repeats it."""
        steps = outgoing.steps_of(message)
        if not steps:
            raise TransportError(_("There is nothing in this message that VK could show."), permanent=True)
        sent = list(message.sent_parts)
        for step in steps[len(sent) :]:
            with until(time.monotonic() + STEP_SECONDS):
                sent.append(self._send_step(message.address, step))
            if len(steps) > 1:
                message.note_part(sent[-1])
        return SendResult(external_id=next(filter(None, sent), ""))

    def _send_step(self, peer: str, step: Step) -> str:
        """The number of the message in the dialogue; empty where only its echo will tell."""
        attachments = [self._attachment(peer, file) for file in step.files]
        try:
            answer = self._call("messages.send", step.data(peer, attachments))
        except client.Refusal as error:
            if not (step.reply_to and error.code in _NO_REPLY):
                raise
            # What the answer hangs on is gone; the answer itself need not be.
            answer = self._call("messages.send", step.without_reply().data(peer, attachments))
        message_id = number(answer)
        if not message_id:
            raise UnknownOutcome(_("VK sent half an answer."))
        return self._number_of(message_id)

    def _number_of(self, message_id: int) -> str:
        """VK names what was sent by its place in the whole community; everything else goes by the place in the dialogue."""
        with suppress(TransportError, UnknownOutcome):
            rows = items(mapping(self._ask_aside("messages.getById", {"message_ids": message_id})).get("items"))
            cmid = read_message(next(iter(rows), None)).cmid
            return str(cmid) if cmid else ""
        return ""

    def _attachment(self, peer: str, file: OutgoingFile) -> str:
        """The name under which a message can carry the file. Raises TransportError: nothing was sent so far."""
        photo, kind = outgoing.is_photo(file), "audio_message" if outgoing.is_voice(file) else "doc"
        query = {"peer_id": peer} if photo else {"peer_id": peer, "type": kind}
        method = "photos.getMessagesUploadServer" if photo else "docs.getMessagesUploadServer"
        url = words(mapping(self._ask(method, query)).get("upload_url"))
        given = client.put(url, "photo" if photo else "file", file.name, file.read(), file.mime)
        if photo:
            fields = {name: given.get(name) for name in ("server", "photo", "hash")}
            # An empty list stands for a picture that VK could not read.
            saved = words(given.get("photo")) not in {"", "[]"} and saved_of(
                self._ask("photos.saveMessagesPhoto", fields)
            )
        else:
            saved = saved_of(self._ask("docs.save", {"file": words(given.get("file")), "title": file.name[-120:]}))
        if not saved:
            raise TransportError(_("VK did not take the file “%(name)s”.") % {"name": file.name}, permanent=True)
        return saved

    @staticmethod
    def length(text: str) -> int:
        return outgoing.length(text)

    def edit(self, address: str, external_id: str, text: str) -> None:
        if not external_id.isdecimal():
            raise TransportError(_("VK does not let this message be changed any more."), permanent=True)
        # Without its attachments and buttons named again, a message would lose them.
        current = next(iter(fetch_messages(self._ask, int(address), [int(external_id)])), read_message(None))
        kept = [saved_of(attachment) for attachment in current.attachments]
        self._call(
            "messages.edit",
            {
                "peer_id": address,
                "cmid": external_id,
                "message": outgoing.plain(text),
                "attachment": ",".join(filter(None, kept)),
                "keep_forward_messages": 1,
                "disable_mentions": 1,
                **({"keyboard": json.dumps(dict(current.keyboard), ensure_ascii=False)} if current.keyboard else {}),
            },
        )

    def delete(self, address: str, external_id: str) -> None:
        if not external_id.isdecimal():
            raise TransportError(_("VK does not let this message be changed any more."), permanent=True)
        # Of one that is gone VK says so in the answer, message by message; refused is what may not be deleted (924).
        self._call("messages.delete", {"peer_id": address, "cmids": external_id, "delete_for_all": 1})

    def send_typing(self, address: str, details: Mapping[str, Any]) -> None:
        self._call("messages.setActivity", {"peer_id": address, "type": "typing", "group_id": self._group_id})

    def mark_read(self, address: str, details: Mapping[str, Any], external_id: str) -> None:
        query = {"peer_id": address, "mark_conversation_as_read": 1, "group_id": self._group_id}
        self._call("messages.markAsRead", query)

    # -- set-up

    def deep_link(self, code: str) -> str:
        link = str(self.channel.config.get("link", ""))
        return f"{link}?ref={code}" if link else ""

    def connect(self) -> Connected:
        group = next(iter(read_groups(self._ask("groups.getById", {}))), Group())
        if not group.id:
            raise TransportError(_("VK did not say which community this is. Try again in a minute."))
        self._refuse_missing_rights()
        config = {
            "group_id": str(group.id),
            "username": group.screen_name,
            "link": f"https://vk.me/{group.screen_name or f'club{group.id}'}",
        }
        if settings.PUBLIC_URL_REACHABLE:
            config["confirmation_code"] = confirmation_code(self._ask, str(group.id))
        return Connected(str(group.id), group.name or group.screen_name, config)

    def _refuse_missing_rights(self) -> None:
        found = mapping(self._ask("groups.getTokenPermissions", {}))
        mask, names = (
            number(found.get("mask")),
            {words(mapping(row).get("name")) for row in items(found.get("permissions"))},
        )
        missing = [name for name, bit in _NEEDED.items() if name not in names and not mask & bit]
        if missing:
            reason = _("The access key lacks rights: %(rights)s. Make one with all rights that the steps name.")
            given = reason % {"rights": ", ".join(sorted(missing))}
            raise TransportError(given, permanent=True, breaks_channel=True)

    @property
    def _servers(self) -> Servers:
        return Servers(self._ask, self._group_id, self.channel.webhook_url, self._webhook_secret)

    def start_receiving(self) -> str:
        if not settings.PUBLIC_URL_REACHABLE:
            self._servers.poll_instead()
            return self._way()
        status = self._servers.subscribe()
        if status == "failed":
            reason = _(
                "VK could not confirm our address %(url)s. Check that it opens from outside, then press “Check now”."
            )
            host = self.channel.site_url
            raise TransportError(reason % {"url": host}, breaks_channel=True)
        return self._way() if status == "ok" else _("VK is checking our address.")

    def disconnect(self) -> None:
        if self._group_id:
            self._servers.unsubscribe()

    def check_health(self) -> str:
        """After long failures VK stops calling: then we give it our address anew."""
        if not settings.PUBLIC_URL_REACHABLE:
            return self.start_receiving()
        if self._servers.is_well():
            return self._way()
        if confirmation_code(self._ask, self._group_id) != self._code:
            reason = _("VK has a new confirmation string for this community. Press “Check now” to connect again.")
            raise TransportError(reason, breaks_channel=True)
        self.start_receiving()
        return _("VK had stopped calling our webhook; it calls it again.")

    @staticmethod
    def _way() -> str:
        if settings.PUBLIC_URL_REACHABLE:
            return _("VK calls our webhook.")
        return _("Messages are fetched by polling, because this installation has no public address.")

    def list_received(self, since: datetime) -> Sequence[bytes] | None:
        return received_since(self._ask, self._group_id, since)

    async def poll(self, state: dict[str, Any]) -> tuple[list[bytes], dict[str, Any]]:
        """The key of a poll is asked for each time and kept nowhere; only the place in the stream is."""
        server = await client.call_async(self._token, "groups.getLongPollServer", {"group_id": self._group_id})
        newest = _place(server.get("ts"))
        query = {"act": "a_check", "key": words(server.get("key")), "ts": _place(state.get("ts")) or newest,
                 "wait": POLL_SECONDS}  # fmt: skip
        answer = await client.get_updates(words(server.get("server")), query)
        match number(answer.get("failed")):
            case 0:
                updates = [update for update in items(answer.get("updates")) if isinstance(update, dict)]
                bodies = [json.dumps(update, ensure_ascii=False).encode("utf-8", "replace") for update in updates]
                after = _place(answer.get("ts"))
                return bodies, {"ts": after} if after else state
            case 1:
                # Part of the history is gone; the daily reconciliation brings what was in it.
                return [], {"ts": _place(answer.get("ts")) or newest}
            case 2:
                return [], state
            case _:
                return [], {"ts": newest}


def _place(value: Any) -> str:
    """A number, or a text with one."""
    return str(value) if number(value) else words(value)
