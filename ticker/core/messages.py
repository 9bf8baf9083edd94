"""The messages of `ticker.v1`, which a gateway sends to its followers as JSON texts. `type` is the kind of message.

Readers must ignore unknown fields and unknown kinds of messages, as `decode_message` does.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Final

import msgspec

from ticker.core.edition import NOTICES, Edition
from ticker.core.errors import UNREADABLE, TickerError
from ticker.core.line import Direction, Line
from ticker.core.log_window import Reset
from ticker.core.position import Position
from ticker.core.words import WORDS

SUBPROTOCOL: Final = "ticker.v1"


class CloseCode(IntEnum):
    """Why a gateway closes a connection (RFC 6455, 7.4). Readers reconnect after 1xxx, and only slowly after 4xxx.

    After `TOKEN`, a reader gets a new token, and reconnects with it immediately.
    """

    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    POLICY = 1008
    TOO_BIG = 1009
    RESTART = 1012
    TRY_LATER = 1013
    TOKEN = 4401


class EditionInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """The facts that a reader needs to show an edition. `lang` is a BCP 47 tag.

    `notices` is the maximum number of notices on a board.
    `words` has the words of the element's interface by language and by key, except English.
    """

    name: str
    title: str
    lang: str
    dir: Direction
    test: bool = False
    notices: int = NOTICES
    words: dict[str, dict[str, str]] | None = None

    @classmethod
    def of(cls, name: str, edition: Edition, language: str = "") -> EditionInfo:
        """Return the facts of an edition, with the words of a language if there are some."""
        words = {language: WORDS[language]} if language in WORDS else None
        return cls(name, edition.title, edition.lang, edition.dir, edition.test, edition.notices, words)


class BoardMessage(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="board"):
    """The lines that are visible now: pinned lines first, then newest first. It replaces all that the reader had.

    `incomplete` is set if the edition's log is damaged: lines may be missing, or may have been changed since.
    """

    position: str
    reset: Reset | None
    edition: EditionInfo
    lines: list[Line]
    incomplete: bool = False


class LineMessage(msgspec.Struct, frozen=True, tag_field="type", tag="line"):
    """One entry: the version of a line that is current from `position` on."""

    position: str
    line: Line


class ForgetMessage(msgspec.Struct, frozen=True, tag_field="type", tag="forget"):
    """The reader has to drop these lines, if it has them: they are old, and nobody can change them any more.

    It carries no position, because a `line` message of the same entry may follow.
    """

    lines: tuple[str, ...]


class LiveMessage(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="live"):
    """The reader has caught up: the next messages are new.

    Attributes:
        position: The position of the reader.
        replayed: The number of `line` messages before this one.
        now: The time of the gateway, in full seconds. Readers with a wrong clock need it for expiries and pins.

    """

    position: str
    replayed: int
    now: datetime | None = None


class HeartbeatMessage(msgspec.Struct, frozen=True, tag_field="type", tag="heartbeat"):
    """Sent at a regular interval, with the reader's position."""

    position: str


class ByeMessage(msgspec.Struct, frozen=True, tag_field="type", tag="bye"):
    """The gateway is about to close the connection. Reconnect after `retry_ms`."""

    retry_ms: int
    reason: str


Message = BoardMessage | LineMessage | ForgetMessage | LiveMessage | HeartbeatMessage | ByeMessage

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_kind_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KINDS = frozenset(f'"{kind}"'.encode() for kind in ("board", "line", "forget", "live", "heartbeat", "bye"))


class MessageError(TickerError):
    """A gateway sent a message that violates the protocol."""


def encode_message(message: Message) -> bytes:
    return _encoder.encode(message)


def encode_line(position: Position, line: Line) -> bytes:
    return _encoder.encode(LineMessage(str(position), line))


def decode_message(data: bytes | str) -> Message | None:
    """Decode a message. Return None if its kind is unknown.

    Raises:
        MessageError: If it is not an object, or lacks a field of its kind.

    """
    try:
        return _decoder.decode(data)
    except UNREADABLE as error:
        if _is_of_another_kind(data):
            return None
        raise MessageError(f"this is not a message of {SUBPROTOCOL}: {error}") from error


def _is_of_another_kind(data: bytes | str) -> bool:
    try:
        kind = _kind_decoder.decode(data).get("type")
    except UNREADABLE:
        return False
    return kind is not None and bytes(kind).startswith(b'"') and bytes(kind) not in _KINDS


def rfc3339(instant: datetime) -> str:
    """Return an aware time in the form of the wire, for example `2026-11-24T09:30:00Z`."""
    encoded: str = msgspec.to_builtins(instant)
    return encoded
