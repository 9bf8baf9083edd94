"""Read a file with lines, each of which becomes a submission."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, tzinfo
from hashlib import sha256
from typing import Final

import msgspec

from publisher_cli.session import origin
from publisher_cli.submit.batch_format import Row
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from publisher_cli.times import parse_times
from ticker.core.errors import SettingsError, TickerError
from ticker.core.line import Change
from ticker.core.submission import Finding, Receipt, Submission

LINES_MAX: Final = 10_000
_TIMES: Final = ("expires_at", "pinned_until", "publish_at", "embargo_until")
_OVERRIDES: Final = ("again", "confirmed")
_KEY_DIGITS: Final = 24


class Item(msgspec.Struct, kw_only=True):
    """A line of the file as a submission. `answer` is the receipt from an earlier run, if there is one."""

    number: int
    submission: Submission
    answer: Receipt | None = None


def read_items(
    rows: Iterable[Row], change: ChangeRequest, options: SubmitOptions, now: datetime, zone: tzinfo | None
) -> tuple[list[Item], dict[int, tuple[Finding, ...]]]:
    """Return the rows of a file as submissions, and why the others can't become one, by number.

    A field that a row lacks has the value in `change`, which comes from the command line.

    The key of each submission is made of the row's fields, and of its position among identical rows. So the same row
    gets the same key in a second run, even if the file has more lines by then.

    Raises:
        SettingsError: If the file has too many lines.

    """
    found = list(rows)
    if len(found) > LINES_MAX:
        raise SettingsError(f"the file has {len(found):,} lines, and {LINES_MAX:,} is the most: split it")
    items: list[Item] = []
    refused: dict[int, tuple[Finding, ...]] = {}
    copies: Counter[str] = Counter()
    for number, row in found:
        try:
            if isinstance(row, SettingsError):
                raise row
            fields = {**change.fields, **change.times, **row}
            digest = _digest(fields)
            key = f"f-{digest}-{copies[digest]}"
            copies[digest] += 1
            items.append(Item(number=number, submission=_submission(fields, key, options, now, zone)))
        except TickerError as error:
            refused[number] = (Finding("malformed", str(error)),)
    return items, refused


def _digest(fields: dict[str, object]) -> str:
    """Return a hash of a line's fields. `again` and `confirmed` don't count, because they don't change the line."""
    content = {name: value for name, value in fields.items() if name not in _OVERRIDES and value is not None}
    try:
        return sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()[:_KEY_DIGITS]
    except UnicodeEncodeError as error:  # in an option: the file was decoded as UTF-8
        raise SettingsError("an option isn't valid UTF-8: check the terminal's encoding") from error


def _submission(
    fields: dict[str, object], key: str, options: SubmitOptions, now: datetime, zone: tzinfo | None
) -> Submission:
    texts = {name: text for name in _TIMES if isinstance(text := fields.get(name), str)}
    values = {
        "key": key,
        "change": Change.NEW,
        "deadline_s": options.wait_s,
        "origin": origin(),
        "break_glass": options.break_glass,
        **fields,
        **parse_times(texts, now, zone),
    }
    try:
        return msgspec.convert(values, Submission)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{error}") from error
