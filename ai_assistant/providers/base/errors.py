"""What can go wrong with a model, told apart by what the caller may do next.

LLMError                     retried here   then
├─ AuthError                 no             another provider; this credential rests for a minute
├─ QuotaExhausted            no             another provider; this credential rests for 10 minutes
├─ RateLimited (retry_after) yes            another provider
├─ ContextTooLong            no             drop the weakest sources, ask once more
├─ ContentFiltered           no             hand over; asking another provider would dodge moderation
├─ BadRequest                no             our bug or a wrong setting: hand over
│  └─ OptionRefused          at once        the provider is asked again without the option it does not know
├─ ProviderUnavailable       yes            another provider
├─ ProtocolError             once           another provider
├─ BudgetExceeded            no             hand over (raised by our own accounting)
└─ CircuitOpen               no             another provider (raised by our own breaker)

Nothing is retried after the first piece of a streamed answer has left us.
"""

from typing import ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from omnisupport.lib.errors import Unavailable


class LLMError(Unavailable):
    """`safe_message` is a sentence for staff; it never holds the prompt, a key or the provider's raw words."""

    code = "llm_error"
    retryable: bool = False
    max_retries: ClassVar[int] = 2
    sentence: ClassVar[str | Promise] = _("The language model did not answer.")

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        provider: str = "",
        request_id: str = "",
        retryable: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message or str(self.sentence), code=code)
        self.provider = provider
        self.request_id = request_id
        self.retry_after = retry_after
        if retryable is not None:
            self.retryable = retryable

    @property
    def safe_message(self) -> str:
        return str(self)


class AuthError(LLMError):
    code = "llm_auth"
    sentence = _("The language model does not accept the key. Check the key in the assistant's settings.")


class QuotaExhausted(LLMError):
    code = "llm_quota"
    sentence = _("The prepaid volume of the language model is used up. Top up the account at the provider.")


class RateLimited(LLMError):
    code = "llm_rate_limited"
    retryable = True
    sentence = _("The language model takes no more requests at the moment.")


class ContextTooLong(LLMError):
    code = "llm_context_too_long"
    sentence = _("The question with its sources is too long for the language model.")


class ContentFiltered(LLMError):
    code = "llm_filtered"
    sentence = _("The provider's moderation refused to answer this question.")


class BadRequest(LLMError):
    code = "llm_bad_request"
    sentence = _("The language model refused the request. Check the model's name and address in the settings.")


class OptionRefused(BadRequest):
    code = "llm_option_refused"
    retryable = True


class ProviderUnavailable(LLMError):
    code = "llm_unavailable"
    retryable = True
    sentence = _("The language model cannot be reached.")


class ProtocolError(LLMError):
    code = "llm_protocol"
    retryable = True
    max_retries = 1
    sentence = _("The language model sent an answer that cannot be read.")


class BudgetExceeded(LLMError):
    code = "llm_budget"
    sentence = _("The workspace has used up its allowance for the language model.")


class CircuitOpen(LLMError):
    code = "llm_circuit_open"
    sentence = _("The language model has failed repeatedly and rests for a moment.")


def timed_out(provider: str) -> ProviderUnavailable:
    return ProviderUnavailable(
        str(_("The language model did not answer in time.")), code="llm_timeout", provider=provider
    )


def truncated(provider: str, request_id: str = "") -> ProtocolError:
    """A stream that ended without its final mark: half an answer must not pass for a whole one."""
    message = str(_("The answer of the language model broke off half-way."))
    return ProtocolError(message, code="llm_truncated", provider=provider, request_id=request_id)


# The code of an API that did not take an access token, not even a new one; the key behind the token may be right.
TOKEN_REFUSED = "llm_auth_token"  # noqa: S105


def refused_token(error: LLMError) -> bool:
    return isinstance(error, AuthError) and error.code == TOKEN_REFUSED
