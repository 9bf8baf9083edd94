"""The records of a backup file: one JSON object per line.

The first record is the `Header`. The records of each edition follow, then the tokens, and then the `End`, which has the
number of the records before it and the SHA-256 of their bytes. A file without its end was cut off.

Everything that Ticker stores is JSON. The records contain it as text, so that its bytes stay the same: the links of a
log are computed from them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Protocol, TypeAlias

import msgspec

from ticker.core.errors import UNREADABLE, StoreError

VERSION: Final = 1
"""The version of the format. A file with another version isn't restored."""

LINE_BYTES: Final = 16 * 1024 * 1024
"""No record is longer. An entry can't be, because Redis limits each value of the embedded server to 1 MB."""


class Digest(Protocol):
    """A hash of `hashlib`."""

    def update(self, data: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> Digest: ...


Link: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", omit_defaults=True):
    """One line of the file."""


class Header(Record, frozen=True, kw_only=True, tag="ticker-backup"):
    """The beginning of the file. `software` is the version of Ticker that wrote it."""

    version: int
    software: str
    created_at: datetime
    editions: tuple[str, ...]


class EditionRecord(Record, frozen=True, kw_only=True, tag="edition"):
    """An edition at one moment. The records up to the next edition belong to it.

    Attributes:
        settings: The stored settings as JSON.
        nonce: The link before the log's first entry.
        continued: The histories that a repair has replaced, as JSON, or an empty text.
        first: The number of the log's oldest entry. It is `head` + 1 for an empty log.
        head: The number of the log's newest entry, or 0.
        link: The link of the newest entry, or the nonce.
        taken_at: The moment, by Redis's clock.

    """

    name: str
    settings: str
    nonce: Link
    continued: str = ""
    first: int
    head: int
    link: Link
    taken_at: datetime


class EditorRecord(Record, frozen=True, kw_only=True, tag="editor"):
    """An editor of the edition. An empty role is the default role of the edition."""

    name: str
    role: str = ""


class EntryRecord(Record, frozen=True, kw_only=True, tag="entry"):
    """An entry of the log."""

    seq: int
    link: Link
    data: str


class HeldRecord(Record, frozen=True, kw_only=True, tag="held"):
    """A held item."""

    id: str
    data: str


class ReceiptRecord(Record, frozen=True, kw_only=True, tag="receipt"):
    """A receipt, as it is in its editor's stream."""

    editor: str
    id: str
    receipt: str
    submission: str = ""
    until: str = ""


class TokenRecord(Record, frozen=True, kw_only=True, tag="token"):
    """A posting token. `data` has the hash of its secret, and not the secret."""

    id: str
    data: str


class End(Record, frozen=True, kw_only=True, tag="end"):
    """The end of the file: the number of records before it, and the SHA-256 of their bytes in hex."""

    records: int
    sha256: str


AnyRecord: TypeAlias = (
    Header | EditionRecord | EditorRecord | EntryRecord | HeldRecord | ReceiptRecord | TokenRecord | End
)

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[AnyRecord]] = msgspec.json.Decoder(AnyRecord)


def encode_record(record: Record) -> bytes:
    """Return the record's line, with its end."""
    return _encoder.encode(record) + b"\n"


def decode_record(line: bytes, number: int) -> AnyRecord:
    """Decode line `number` of a backup.

    Raises:
        StoreError: If it isn't a record that this version knows. The message doesn't quote the line.

    """
    try:
        return _decoder.decode(line)
    except UNREADABLE as error:
        raise StoreError(f"line {number:,} of the backup is damaged, or of a newer version of Ticker") from error
