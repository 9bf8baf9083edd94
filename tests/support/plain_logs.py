"""The log of code that runs in a test process."""

from __future__ import annotations

import structlog


def print_plain_tracebacks() -> None:
    """Print exceptions as Python does.

    structlog's default formats all local variables with rich. That blocks the event loop for a second, and for longer
    than the timeouts of Redis on a busy machine.
    """
    processors = structlog.get_config()["processors"]
    structlog.configure(
        processors=[
            *processors[:-1],
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ]
    )
