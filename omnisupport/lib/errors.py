"""The one error tree. A service raises; `lib.api` and `lib.errors_middleware` turn it into HTTP; nobody else catches.

AppError
├─ InvalidInput 400   NotAuthenticated 401   Forbidden 403   NotFound 404   WrongMethod 405   Conflict 409
├─ LengthRequired 411   TooLarge 413         Unsupported 415       RateLimited 429 (retry_after)
└─ Unavailable 503    a dependency (Redis, Qdrant, worker) did not answer
"""

from typing import ClassVar


class AppError(Exception):
    """`message` is a translated sentence for people that says what to do; `code` is for machines."""

    status: ClassVar[int] = 500
    code: str = "error"

    def __init__(self, message: str, *, code: str = "", field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.field = field

    def __str__(self) -> str:
        return str(self.message)


class InvalidInput(AppError):
    status = 400
    code = "invalid"


class NotAuthenticated(AppError):
    status = 401
    code = "not_authenticated"


class Forbidden(AppError):
    status = 403
    code = "forbidden"


class NotFound(AppError):
    status = 404
    code = "not_found"


class WrongMethod(AppError):
    status = 405
    code = "method_not_allowed"


class Conflict(AppError):
    status = 409
    code = "conflict"


class LengthRequired(AppError):
    status = 411
    code = "length_required"


class TooLarge(AppError):
    status = 413
    code = "too_large"


class Unsupported(AppError):
    status = 415
    code = "unsupported"


class RateLimited(AppError):
    status = 429
    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float = 1, code: str = "", field: str = "") -> None:
        super().__init__(message, code=code, field=field)
        self.retry_after = retry_after


class Unavailable(AppError):
    status = 503
    code = "unavailable"
