from tests.standins.openai import OpenAIStandIn, error
from tests.standins.playground.player import PAUSE, Faulty
from tests.standins.server import Answer


class Playable(Faulty, OpenAIStandIn):
    title = "OpenAI-compatible"
    sends = ("/chat/completions",)

    @property
    def environment(self) -> dict[str, str]:
        return self.settings

    def too_many(self) -> Answer:
        return error(429, "Rate limit reached", "rate_limit_exceeded", **{"Retry-After": str(PAUSE)})
