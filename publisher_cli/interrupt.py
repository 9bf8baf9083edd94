"""Ctrl-C: one sentence and no traceback, from the first instruction of `tick` on.

`tick` imports this module first, so it imports nothing that takes time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

_INTERRUPTED: Final = 130  # as in ticker.console, which takes time to import
NOTHING_SENT: Final = "interrupted: nothing was sent"


def end_with_sentence(*_: object) -> None:
    """Handle SIGINT before anything is sent: print the sentence, and end the process immediately."""
    with suppress(OSError):
        start = "\n" if os.isatty(2) else ""  # the terminal has printed ^C
        os.write(2, f"{start}{NOTHING_SENT}\n".encode())
    os._exit(_INTERRUPTED)


def end_silently(*_: object) -> None:
    """Handle SIGINT after the outcome is printed: there is nothing more to report."""
    os._exit(_INTERRUPTED)


@contextmanager
def raised_interrupts() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt inside the context. After it, the outcome must have been printed."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, end_silently if earlier is end_with_sentence else earlier)
