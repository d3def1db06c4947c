"""The token endpoint of Google and Microsoft (RFC 6749 sections 5 and 6).

with SignInStandIn() as sign_in:
    settings.GOOGLE_OAUTH_TOKEN_URL = sign_in.url + "/token"
"""

from itertools import count
from typing import Any

from tests.standins.server import Answer, Request, StandIn

REFRESH_TOKEN, CODE = "refresh-1", "code-1"


class SignInStandIn(StandIn):
    """`rotates`: as at Microsoft, each access token comes with another refresh token."""

    def __init__(self, *, rotates: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rotates = rotates
        self.refresh_token, self.access_token = REFRESH_TOKEN, ""
        self.expires_in = 3600
        self._numbers = count(1)

    def handle(self, request: Request) -> Answer:
        form = request.form
        right = {"refresh_token": ("refresh_token", self.refresh_token), "authorization_code": ("code", CODE)}
        name, value = right.get(form.get("grant_type", ""), ("", "?"))
        if form.get(name) != value or not form.get("client_id"):
            return Answer(
                400, json={"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            )
        self.access_token = f"access-{next(self._numbers)}"
        answer: dict[str, Any] = {
            "access_token": self.access_token,
            "expires_in": self.expires_in,
            "token_type": "Bearer",
        }
        if self.rotates:
            self.refresh_token = f"{REFRESH_TOKEN}-{self.access_token}"
        if self.rotates or name == "code":
            answer["refresh_token"] = self.refresh_token
        return Answer(json=answer)
