"""Channels of the demo workspace to the stand-ins of `FAKE_PROVIDERS=1 make run`, answered by the assistant."""

import json

from django.conf import settings

from ai_assistant.services.assistants import ensure_assistant
from channels_app.registry import channel_info
from channels_app.services.channels import check_channel, connect_channel, create_channel


def add_playground_channels() -> None:
    """As DATA_DIR/standins.json asks for. DATA_DIR/playground.json tells the stand-ins where each kind is to be called: those
    that cannot be polled would be told by nobody, as the installation has no public address."""
    wishes = json.loads((settings.DATA_DIR / "standins.json").read_text(encoding="utf-8"))["channels"]
    assistant = ensure_assistant().user_id
    channels = [create_channel(**wish, first_assignee_id=assistant) for wish in wishes]
    hooks = {channel.kind: channel_info(channel).webhook_url for channel in channels}
    (settings.DATA_DIR / "playground.json").write_text(json.dumps(hooks), encoding="utf-8")
    for channel in channels:
        connect_channel(channel.id)
        # Viber only connects to a public address, but is content when it is called back at the right one.
        check_channel(channel.id)
