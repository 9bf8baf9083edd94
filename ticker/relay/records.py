"""The records of a route: a relay's knowledge of each line at one receiver, and the deliveries that it owes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import msgspec

from ticker.core.line import Line, Status


class Kind(StrEnum):
    """The effect of a delivery on the line at the receiver."""

    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    HIDDEN = "hidden"
    DROPPED = "dropped"  # after a reset, the line is no longer on the board

    @property
    def takes_back(self) -> bool:
        """Whether the receiver has to remove the text."""
        return self is not Kind.PUBLISHED


_KINDS = {Status.USABLE: Kind.PUBLISHED, Status.CANCELED: Kind.WITHDRAWN, Status.WITHHELD: Kind.HIDDEN}


class Verdict(StrEnum):
    """The outcome of a version of a line at a receiver.

    Every withdrawal gets one: `gone`, `never-sent` or `cant-undo`. Until then it is pending and is sent again.
    """

    DELIVERED = "delivered"  # the receiver acknowledged the text
    REPLACED = "replaced"  # a later version took the place of this one before the receiver had acknowledged it
    GONE = "gone"  # the receiver acknowledged that the text is taken back
    NEVER_SENT = "never-sent"  # no attempt can have reached the receiver, so it doesn't have the text
    EXPIRED = "expired"  # the text expired or was forgotten before the first attempt
    CANT_UNDO = "cant-undo"  # the receiver may still have the text, and refuses to remove it
    UNKNOWN = "unknown"  # the reply was lost, and the service can't be searched
    FAILED = "failed"  # no attempt succeeded within `relay_give_up_s`; `ticker relay replay` sends it again


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message for a receiver. It stays the same through all attempts.

    Attributes:
        line: The id of the line.
        order: Higher than that of every earlier delivery to this receiver. It also makes the id of the webhook unique.
        queued_at: When the relay read it, in seconds since 1970.
        content: The whole line, or None if the line was dropped.

    """

    line: str
    version: int
    order: int
    kind: Kind
    position: str
    queued_at: float
    content: Line | None = None

    @property
    def id(self) -> str:
        """The same for every attempt of this delivery, and different from every other delivery."""
        return f"msg_{self.line}_{self.order}"

    @property
    def updated_at(self) -> datetime | None:
        return None if self.content is None else self.content.updated_at


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts for one line whose outcome is open: their replies were lost, or the relay died.

    Attributes:
        since: When the first of them began, in seconds since 1970.
        at: When the last of them began.
        first: The order of the first delivery that may have created a post, or 0.
        tried: Marks of the texts that they may have posted (`ticker.relay.texts.mark_of`), the newest last.

    """

    since: float
    at: float
    first: int = 0
    tried: tuple[str, ...] = ()


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """The relay's knowledge of a line's post when an attempt begins. See `Record` for the attributes."""

    ref: str | None = None
    sent_at: float = 0.0
    shown: str = ""
    open: Open | None = None


class Record(msgspec.Struct, kw_only=True):
    """The relay's knowledge of one line at one receiver.

    Attributes:
        line: The id of the line.
        version: The newest version that was read; 0 if the line was dropped, so that any version is newer.
        digest: A digest of that version, to compare it with a board after a reset.
        order: The order of the line's newest delivery, or of its last change.
        is_text: Whether the newest version has a text to show.
        may_have: Whether an attempt may have reached the receiver, so that a withdrawal has to be sent.
        pending: The newest version, while the receiver has not acknowledged it.
        failures: Failed attempts of `pending`.
        retry_at: When to try `pending` again, in seconds since 1970.
        is_parked: Whether the relay has given `pending` up. Only `ticker relay replay` sends it again.
        is_forgotten: Whether the log has forgotten the line.
        verdict: The verdict on the newest version with an outcome.
        reason: Why the last attempt failed, without secrets. Empty after a success.
        ref: The receiver's own name for the line, such as the id of a post. None for webhooks.
        sent_at: When the last `ref` was created, in seconds since 1970, or 0.
        shown: A digest of the text that the receiver has acknowledged for `ref`.
        open: The attempts whose outcome is open. None for webhooks: their receivers compare orders.

    """

    line: str
    version: int = 0
    digest: str = ""
    order: int = 0
    is_text: bool = False
    may_have: bool = False
    pending: Delivery | None = None
    failures: int = 0
    retry_at: float = 0.0
    is_parked: bool = False
    is_forgotten: bool = False
    verdict: Verdict | None = None
    reason: str = ""
    ref: str | None = None
    sent_at: float = 0.0
    shown: str = ""
    open: Open | None = None

    @property
    def post(self) -> Post:
        """The facts that an attempt needs."""
        return Post(ref=self.ref, sent_at=self.sent_at, shown=self.shown, open=self.open)


class RouteState(msgspec.Struct, kw_only=True):
    """The part of a route's state that belongs to no line.

    Attributes:
        position: Everything up to here is in the records. None before the first board.
        ahead: Later positions that the records depend on too, in ascending order: the newest one of each reader that
            left lines in the log. The log must have all of them. If it doesn't, its history was replaced.
        order: The highest order that was given to a delivery.
        disabled: Why the receiver gets nothing more, or None. `ticker relay replay` enables it.

    """

    position: str | None = None
    ahead: list[str] = msgspec.field(default_factory=list)
    order: int = 0
    disabled: str | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one attempt."""


class Acknowledged(Outcome, frozen=True, kw_only=True):
    """The receiver has accepted the delivery.

    Attributes:
        ref: The receiver's own name for the line, if it has one.
        shown: A digest of the text that it shows for `ref`.
        leaves_copy: An earlier attempt may have left another post, which nobody but a person can find.

    """

    ref: str | None = None
    shown: str = ""
    leaves_copy: bool = False


class Failed(Outcome, frozen=True, kw_only=True):
    """The attempt failed, or its outcome is open because the reply was lost.

    Attributes:
        reason: For the log and for `ticker relay status`. It never contains a secret.
        is_unsent: The request certainly had no effect on the receiver.
        retry_after_s: How long the receiver asks to wait, or None.
        is_outage: The receiver as a whole is in trouble, so the other deliveries wait, too.

    """

    reason: str
    is_unsent: bool = False
    retry_after_s: float | None = None
    is_outage: bool = True


class Refused(Outcome, frozen=True, kw_only=True):
    """The receiver will never do it, for example because a post is too old to be deleted."""

    reason: str


class Missing(Outcome, frozen=True, kw_only=True):
    """The post that the relay knew isn't there any more: the next attempt creates another one."""


class Unknown(Outcome, frozen=True, kw_only=True):
    """An earlier attempt may have succeeded, and the service can't be searched. A person has to look."""

    reason: str


class Disabled(Outcome, frozen=True, kw_only=True):
    """The receiver wants no more messages at all (HTTP status 410)."""

    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one version of a line."""

    line: str
    version: int
    kind: Kind
    verdict: Verdict
    reason: str = ""


def kind_of(line: Line) -> Kind:
    return _KINDS[line.status]


def digest_of(line: Line) -> str:
    """Return a digest of a version. Two versions with the same number differ if a log's history was replaced."""
    return sha256(msgspec.json.encode(line)).hexdigest()[:16]
