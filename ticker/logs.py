"""Set up logging on standard error: one readable line per event on a terminal, otherwise one JSON object per line."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from enum import StrEnum
from io import StringIO
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from ticker.core.errors import SettingsError
from ticker.core.escaping import escape
from ticker.variables import unknown_variables

_logger = structlog.stdlib.get_logger("ticker.logs")

SETTLED: Final = "settled"
"""The desk's event of a submission that it has answered."""

LEVELS: Final = ("debug", "info", "warning", "error")


class LogFormat(StrEnum):
    """How events are logged."""

    TEXT = "text"
    JSON = "json"


def set_up_logs(environ: Mapping[str, str], *, hides_published: bool = False, is_worker: bool = False) -> LogFormat:
    """Set up structlog and the standard library's logging. Return the format.

    `TICKER_LOG_FORMAT` is `text` or `json`; the default is text on a terminal, and JSON for files and collectors.
    `TICKER_LOG_LEVEL` is the lowest level that is logged. With `hides_published`, the text leaves out submissions that
    were published, because the caller shows their lines.

    Unknown `TICKER_…` variables are logged, except by a worker process (`is_worker`): its parent has logged them.

    Raises:
        SettingsError: If the format or the level is unknown.

    """
    log_format = _format(environ)
    level = environ.get("TICKER_LOG_LEVEL", "").lower() or "info"
    if level not in LEVELS:
        raise SettingsError(f"TICKER_LOG_LEVEL is {level[:20]!a}: use one of {', '.join(LEVELS)}")
    is_text = log_format is LogFormat.TEXT
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if is_text else "iso", utc=not is_text),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            *([_drop_published] if is_text and hides_published else []),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_last(environ, log_format))
    _set_up_standard_logging(formatter, level)
    for name, nearest in () if is_worker else unknown_variables(environ):
        _logger.warning("unknown-variable", name=name, nearest=nearest)
    return log_format


def _set_up_standard_logging(formatter: logging.Formatter, level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # uvicorn logs every start and stop; our own events report them already.
    logging.getLogger("uvicorn").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.error").addFilter(_is_our_own)


def _format(environ: Mapping[str, str]) -> LogFormat:
    wanted = environ.get("TICKER_LOG_FORMAT", "").lower()
    if not wanted:
        return LogFormat.TEXT if sys.stderr.isatty() else LogFormat.JSON
    try:
        return LogFormat(wanted)
    except ValueError:
        raise SettingsError(f"TICKER_LOG_FORMAT is {wanted[:20]!a}: use one of {', '.join(LogFormat)}") from None


def _is_our_own(record: logging.LogRecord) -> bool:
    """Return False for a record about an invalid request.

    A log line for each would let any client fill the disk. /metrics counts them.
    """
    return record.msg not in ("Invalid HTTP request received.", "Unsupported upgrade request.")


def _drop_published(_: object, __: str, event: EventDict) -> EventDict:
    if event.get("event") == SETTLED and event.get("status") == "on-air":
        raise structlog.DropEvent
    return event


def _last(environ: Mapping[str, str], log_format: LogFormat) -> list[Processor]:
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if log_format is LogFormat.JSON:
        return [remove, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    colours = sys.stderr.isatty() and not environ.get("NO_COLOR")
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours, pad_event_to=0, pad_level=False, exception_formatter=_print_traceback
    )
    return [remove, _as_sentence, _escaped, renderer]


def _print_traceback(file: TextIO, exc_info: ExcInfo) -> None:
    # structlog's default shows the variables of each frame: lines that aren't public yet, and passwords.
    plain = StringIO()
    structlog.dev.plain_traceback(plain, exc_info)
    file.write("\n".join(map(escape, plain.getvalue().split("\n"))))


def _escaped(_: object, __: str, event: EventDict) -> EventDict:
    """Escape texts from outside, so that they can't control the terminal. JSON and other values are safe anyway."""
    return {name: escape(value) if isinstance(value, str) else value for name, value in event.items()}


def _as_sentence(_: object, __: str, event: EventDict) -> EventDict:
    """Replace the event of a submission by a sentence in the columns of the lines for published entries."""
    if event.get("event") != SETTLED:
        return event
    # A refusal names the change and the rules, a held item its id, and everything else the id of its line.
    details = [", ".join(event.get("codes", ())), str(event.get("held", "")), str(event.get("line", ""))]
    words = (event.get(name, "") for name in ("edition", "editor", "status", "action"))
    sentence = "  ".join(filter(None, [*words, next(filter(None, details), "")]))
    return {"timestamp": event.get("timestamp", ""), "event": f" {sentence}"}
