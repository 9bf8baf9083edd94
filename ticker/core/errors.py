"""The one tree of errors that Ticker raises on purpose.

A message names the value, the bound and the remedy, in one sentence that can be shown to a person. None carries a
secret or the text of a line that is not public.
"""

from __future__ import annotations

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What msgspec raises on bytes that can't be read: a string that isn't UTF-8 and deep nesting have errors of their own.

Nesting counts also in fields that are skipped, so every decoder of untrusted bytes has to catch all three.
"""


class TickerError(Exception):
    """Anything that Ticker refuses or can't do. Catch this at the edge and print it."""


class SettingsError(TickerError):
    """A setting, an environment variable or an option has a value that can't be used."""


class StoreError(TickerError):
    """Redis can't be reached, isn't fit for use, or holds something that can't be read."""


class PositionError(TickerError):
    """Text that isn't a position (`<seq>-<16 hex digits>`)."""


class LinkError(TickerError):
    """An entry doesn't follow from the one before it: the log was changed, cut or replaced.

    `seq` is the number of the first entry that fails.
    """

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(detail)
        self.seq = seq


class SubmissionError(TickerError):
    """Bytes in an inbox that are no submission. `code` is a stable word for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class SelectionError(TickerError):
    """A reader asked for something that its edition doesn't have. `code` is a stable word for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
