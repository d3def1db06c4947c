from tests.standins.gigachat import CLIENT_ID, CLIENT_SECRET, GigaChatStandIn
from tests.standins.playground.player import PAUSE, Faulty
from tests.standins.server import Answer


class Playable(Faulty, GigaChatStandIn):
    title = "GigaChat"
    sends = ("/chat/completions",)

    @property
    def environment(self) -> dict[str, str]:
        return {**self.settings, "GIGACHAT_CLIENT_ID": CLIENT_ID, "GIGACHAT_CLIENT_SECRET": CLIENT_SECRET}

    def too_many(self) -> Answer:
        return Answer(429, json={"status": 429, "message": "Too Many Requests"}, headers={"Retry-After": str(PAUSE)})
