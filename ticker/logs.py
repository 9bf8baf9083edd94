"""Logs, on standard error: for people on a terminal, else one JSON object a line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Final

import structlog
from structlog.typing import Processor

from ticker.core.errors import SettingsError

LEVELS: Final = ("debug", "info", "warning", "error")


def set_up_logs(environ: Mapping[str, str]) -> None:
    """Set up structlog and the standard library's logging alike; `TICKER_LOG_LEVEL` says from which level on.

    Without it, a terminal gets warnings (it is where a person works), and a file or a collector gets all from info on.

    Raises:
        SettingsError: If the level is none.

    """
    is_terminal = sys.stderr.isatty()
    level = environ.get("TICKER_LOG_LEVEL", "").lower() or ("warning" if is_terminal else "info")
    if level not in LEVELS:
        raise SettingsError(f"TICKER_LOG_LEVEL is {level[:20]!a}: it is one of {', '.join(LEVELS)}")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(environ, is_terminal))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # Every start and stop of its own, in words that ours repeat.
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.error").addFilter(_is_our_own)


def _is_our_own(record: logging.LogRecord) -> bool:
    """Whether a record is about this process, and not about what anybody at all may send it.

    A line a broken request would let a stranger fill the disk; they are counted on /metrics.
    """
    return record.msg not in ("Invalid HTTP request received.", "Unsupported upgrade request.")


def _last(environ: Mapping[str, str], is_terminal: bool) -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if is_terminal:
        # Not its own choice, which shows every frame's variables: lines that aren't public yet, and passwords.
        traceback = structlog.dev.plain_traceback
        return [
            remove,
            structlog.dev.ConsoleRenderer(colors=not environ.get("NO_COLOR"), exception_formatter=traceback),
        ]
    return [remove, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
