from tests.standins.playground.player import Faulty
from tests.standins.server import Answer
from tests.standins.yandexgpt import API_KEY, FOLDER, RATE, YandexGptStandIn, error


class Playable(Faulty, YandexGptStandIn):
    title = "YandexGPT"
    sends = ("/completion",)

    @property
    def environment(self) -> dict[str, str]:
        return {**self.settings, "YANDEX_GPT_API_KEY": API_KEY, "YANDEX_GPT_FOLDER_ID": FOLDER}

    def too_many(self) -> Answer:
        return error(429, 8, RATE)
