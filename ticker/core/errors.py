"""The errors that Ticker raises.

Each message is one sentence for users that names the value, the limit and the remedy. A message never contains a secret
or the text of a line that is not public.
"""

from __future__ import annotations

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""The errors of msgspec's decoders. Invalid UTF-8 and deep nesting don't raise a MsgspecError.

Nesting counts in ignored fields, too, so every decoder of untrusted bytes must catch all three.
"""


class TickerError(Exception):
    """The base class of all errors that Ticker raises. Catch it at the edge and print its message."""


class SettingsError(TickerError):
    """A setting, an environment variable or an option has an invalid value."""


class StoreError(TickerError):
    """Redis can't be reached, isn't suitable, or contains data that can't be read."""


class PositionError(TickerError):
    """A text is not a position (`<seq>-<16 hex digits>`)."""


class LinkError(TickerError):
    """An entry doesn't link to the one before it: the log was changed, cut or replaced.

    `seq` is the number of the first entry that doesn't verify.
    """

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(detail)
        self.seq = seq


class SubmissionError(TickerError):
    """A request, a receipt or a held item can't be read. `code` is a stable word for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class SelectionError(TickerError):
    """A selection contains something that its edition doesn't have. `code` is a stable word for programs."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
