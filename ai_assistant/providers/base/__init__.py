"""What every provider is built from. Providers import this package and never each other."""

from ai_assistant.providers.base.chat import (
    ANSWER_SCHEMA,
    Allowance,
    CallContext,
    ChatMessage,
    ChatProvider,
    ChatRequest,
    ChatResult,
    Delta,
    Done,
    EmbeddingProvider,
    EmbeddingResult,
    EmbeddingSpace,
    Finish,
    Replace,
    SourcePassage,
    StreamEvent,
    TextKind,
    Usage,
    check_vectors,
    estimate_tokens,
    finish_chat,
)
from ai_assistant.providers.base.credentials import (
    CredentialField,
    ProviderCredentials,
    Secret,
    Text,
    describe_fields,
    given_values,
    parse_credentials,
)
from ai_assistant.providers.base.errors import (
    TOKEN_REFUSED,
    AuthError,
    BadRequest,
    BudgetExceeded,
    CircuitOpen,
    ContentFiltered,
    ContextTooLong,
    LLMError,
    OptionRefused,
    ProtocolError,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    timed_out,
    truncated,
)
from ai_assistant.providers.base.gate import Gate
from ai_assistant.providers.base.pace import Pace
from ai_assistant.providers.base.retry import stream_with_retries, with_retries
from ai_assistant.providers.base.streams import ServerEvent, iter_events, iter_json_lines, iter_lines
from ai_assistant.providers.base.tokens import AccessToken, SharedToken
from ai_assistant.providers.base.wire import Endpoint, Failure, Reply, default_error, make_client, parse

__all__ = [
    "ANSWER_SCHEMA", "TOKEN_REFUSED", "AccessToken", "Allowance",
    "AuthError", "BadRequest", "BudgetExceeded", "CallContext", "ChatMessage",
    "ChatProvider", "ChatRequest", "ChatResult", "CircuitOpen", "ContentFiltered", "ContextTooLong",
    "CredentialField", "Delta", "Done", "EmbeddingProvider", "EmbeddingResult", "EmbeddingSpace", "Endpoint",
    "Failure", "Finish", "Gate", "LLMError", "OptionRefused", "Pace", "ProtocolError", "ProviderCredentials",
    "ProviderUnavailable", "QuotaExhausted", "RateLimited", "Replace", "Reply", "Secret", "ServerEvent",
    "SharedToken", "SourcePassage", "StreamEvent", "Text", "TextKind", "Usage", "check_vectors", "default_error",
    "describe_fields", "estimate_tokens", "finish_chat", "given_values", "iter_events", "iter_json_lines",
    "iter_lines", "make_client", "parse", "parse_credentials", "stream_with_retries", "timed_out", "truncated",
    "with_retries",
]  # fmt: skip
