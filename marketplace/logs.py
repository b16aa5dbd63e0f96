"""Logs: one JSON line per event on standard error, with ids and never with content."""

from __future__ import annotations

from typing import Any, Final

import structlog
from structlog.typing import EventDict

SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def _without_beginnings(logger: Any, method: str, event: EventDict) -> EventDict:
    """Leave out that a request began: the line about its end says all that this one would."""
    if event.get("event") == "request_started":
        raise structlog.DropEvent
    return event


def logging_at(level: str) -> dict[str, Any]:
    """Point structlog at the standard library and return Django's LOGGING, from ``level`` on."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _without_beginnings,
            *SHARED,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": SHARED,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # Scanners; they get a 400.
            "stripe": {"level": "WARNING"},  # It says every request twice; the gateway says what matters.
            "celery": {"level": "WARNING"},  # A line for each sweep is noise; the outbox says what was done.
        },
    }
