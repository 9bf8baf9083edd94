"""Set up logging on standard error: readable text on a terminal, otherwise one JSON object per line."""

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
    """Set up structlog and the standard library's logging. `TICKER_LOG_LEVEL` is the lowest level that is logged.

    The default is `warning` on a terminal, where a person works, and `info` for files and collectors.

    Raises:
        SettingsError: If the level is unknown.

    """
    is_terminal = sys.stderr.isatty()
    level = environ.get("TICKER_LOG_LEVEL", "").lower() or ("warning" if is_terminal else "info")
    if level not in LEVELS:
        raise SettingsError(f"TICKER_LOG_LEVEL is {level[:20]!a}: use one of {', '.join(LEVELS)}")
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
    # uvicorn logs every start and stop; our own events report them already.
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.error").addFilter(_is_our_own)


def _is_our_own(record: logging.LogRecord) -> bool:
    """Return False for a record about an invalid request.

    A log line for each would let any client fill the disk. /metrics counts them.
    """
    return record.msg not in ("Invalid HTTP request received.", "Unsupported upgrade request.")


def _last(environ: Mapping[str, str], is_terminal: bool) -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if is_terminal:
        # structlog's default shows the variables of each frame: lines that aren't public yet, and passwords.
        traceback = structlog.dev.plain_traceback
        return [
            remove,
            structlog.dev.ConsoleRenderer(colors=not environ.get("NO_COLOR"), exception_formatter=traceback),
        ]
    return [remove, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
