"""An entry of the log: one version of a line, with facts for the audit. Entries never change.

An entry is stored as JSON (RFC 8259) of `Entry`. The link is computed over exactly these bytes, so keep the bytes and
don't encode the values again.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from ticker.core.errors import UNREADABLE, LinkError
from ticker.core.line import Facets, Line
from ticker.core.position import Position, next_link

_LINK = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Trim(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The oldest entries of the log, which are removed when a new entry is appended. The new entry contains this.

    Every known line has an entry in the log, or is in `kept` of one. Nothing but the log determines the known lines.

    Attributes:
        through: All entries up to this seq are removed from the log.
        kept: The latest entry of each line that still shows but loses its own entry. Readers don't get them, because
            nothing changed for readers.
        forgotten: The ids of the other lines whose last entry is removed. The desk and the gateways no longer know
            them, and gateways send the ids to readers, which drop them.

    """

    through: int
    kept: tuple[Entry, ...] = ()
    forgotten: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a line and its origin.

    `earlier_facets` are the facets of the line's earlier versions that differ from this one's. A follower that received
    an earlier version receives this one too. Otherwise an update could leave a selection, and the old text would stay
    on screen.
    `editor` is the name of the inbox (it can't be forged). `key` is the submission's idempotency key. `submitted_at` is
    when the submission reached Redis. `note` is for staff only. `hidden_version` is set in an entry that hides a line:
    the version that `unhide` puts back. `author` posted the line's first version, if that was another editor.

    For the audit: `approved_by` is the second person, `break_glass` a chief's reason for going without one.
    `overridden` has the codes of the rules that were overridden, `origin` the client's description of itself, and
    `due_at` the time that the submission waited for. Readers are never sent any of these.

    `is_for_everyone` is set in the withdrawal of a forgotten line: nobody knows which selections received the line, so
    every follower gets the entry. `trim` has the entries that leave the log with this one, if any.
    """

    line: Line
    earlier_facets: tuple[Facets, ...] = ()
    editor: str
    key: str
    submitted_at: datetime
    note: str | None = None
    hidden_version: Line | None = None
    author: str | None = None
    approved_by: str | None = None
    break_glass: str | None = None
    overridden: tuple[str, ...] = ()
    origin: str | None = None
    due_at: datetime | None = None
    is_for_everyone: bool = False
    trim: Trim | None = None

    @property
    def posted_at(self) -> datetime:
        """When the entry was posted: when its submission reached Redis, or its publication if it was held."""
        was_held = self.due_at is not None or self.approved_by is not None
        return self.line.updated_at if was_held else self.submitted_at

    @property
    def posted_by(self) -> str:
        """The editor who posted the line's first version, or an empty text for a forgotten line."""
        return "" if self.is_for_everyone else self.author or self.editor

    def with_kept(self) -> tuple[Entry, ...]:
        """Return this entry and those in its trim, all without a trim. They are of different lines."""
        return (self,) if self.trim is None else (self.without_trim(), *self.trim.kept)

    def without_trim(self) -> Entry:
        return self if self.trim is None else msgspec.structs.replace(self, trim=None)


class RawEntry(msgspec.Struct, frozen=True):
    """An unchecked entry: its number, the link that is stored with it, and the bytes that the link is computed from."""

    seq: int
    link: str
    data: bytes


class Logged(msgspec.Struct, frozen=True):
    """An entry and its place in the log. `seq` counts from 1 without gaps, `link` has 64 hex digits."""

    seq: int
    link: str
    entry: Entry

    @property
    def position(self) -> Position:
        return Position.of(self.seq, self.link)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    return _encoder.encode(entry)


def follow(seq: int, previous: str | None, link: str, data: bytes) -> Logged:
    """Check that the entry `data` links to the entry before it, and decode it.

    `previous` is the link of the entry before it, or None for the first entry of a trimmed log. The link of that entry
    can't be checked, because its predecessor is gone. All later links depend on it.

    Raises:
        LinkError: If the link is wrong, or this version can't read the entry.

    """
    if previous is None and _LINK.fullmatch(link) is None:
        raise LinkError(seq, f"entry {seq} has no link of 64 hex digits: the log was changed")
    if previous is not None and next_link(previous, data) != link:
        raise LinkError(seq, f"entry {seq} doesn't link to the one before it: the log was changed or replaced")
    return decode_entry(seq, link, data)


def decode_entry(seq: int, link: str, data: bytes) -> Logged:
    """Decode an entry without a check of its link.

    Raises:
        LinkError: If this version can't read the entry.

    """
    try:
        entry = _decoder.decode(data)
    except UNREADABLE as error:
        raise LinkError(seq, f"entry {seq} can't be read by this version: {error}") from error
    if entry.trim is not None and entry.trim.through >= seq:
        raise LinkError(seq, f"entry {seq} removes itself from the log: it is of another log")
    return Logged(seq, link, entry)
