import uuid

import pytest

from channels_app.base import ChannelInfo
from channels_app.vk.adapter import Adapter
from tests.standins.vk import TOKEN, VkStandIn
from tests.standins.vk_servers import CODE, GROUP

HOOK = "https://shop.example/hooks/vk/00000000-0000-0000-0000-000000000005/"


@pytest.fixture
def vk(settings):
    with VkStandIn() as stand_in:
        settings.VK_API_URL = stand_in.url
        settings.OUTBOUND_ALLOWED_HOSTS = [stand_in.host]
        yield stand_in


@pytest.fixture
def adapter():
    config = {"group_id": str(GROUP), "confirmation_code": CODE, "link": "https://vk.me/omni_shop"}
    return Adapter(ChannelInfo(uuid.UUID(int=5), "t_shop", "vk", config, {"token": TOKEN}, HOOK))
