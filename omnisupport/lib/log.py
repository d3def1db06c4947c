"""Structured logs: JSON lines on servers, readable lines on a terminal; secrets are masked before anything is written."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# Bot tokens, JWTs, what we sign ourselves (links to files, visitors), Authorization values, credentials: they reach log lines
# and exception texts through URLs and headers.
_SECRETS = re.compile(
    r"\d{6,12}:[A-Za-z0-9_-]{30,}|(?<![\w-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)?"
    # The look-behind keeps it linear: a long address must not cost seconds of every log line.
    r"|(?<![\w-])[A-Za-z0-9_-]{8,}(?::|~|%3A)[A-Za-z0-9]{5,8}(?::|~|%3A)[A-Za-z0-9_-]{43}"
    r"|(?i:(?:bearer|basic|api-key|visitor) )[A-Za-z0-9._~+/=-]{12,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)


def mask_secrets(text: str) -> str:
    return _SECRETS.sub("[secret]", text)


def _mask_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = mask_secrets(value)
    return event


def logging_config(*, json: bool, level: str) -> dict[str, Any]:
    """A `logging.dictConfig` dictionary; also configures structlog itself."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_event,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False) if json else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "default": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _mask_event, renderer],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "default"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
            "botocore": {"level": "WARNING"},
            "django.server": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
        },
    }
