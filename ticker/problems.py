"""Problem details (RFC 9457): the form of every HTTP error, of the gateway and of the posting part."""

from __future__ import annotations

from typing import Final

import msgspec

MEDIA_TYPE: Final = "application/problem+json"


class Problem(msgspec.Struct, frozen=True):
    """The body of every HTTP error (RFC 9457).

    Attributes:
        type: The address of the description of this kind of problem, relative to the server.
        title: A name for this kind of problem. It is the same each time.
        status: The HTTP status.
        error: The code of the problem, for programs. It is the last part of `type`.
        detail: The error in this request, and what to do about it. It is for people and may change.

    """

    type: str
    title: str
    status: int
    error: str
    detail: str


class ProblemType(msgspec.Struct, frozen=True):
    """A kind of problem: what it is, the HTTP statuses that it comes with, and what the client should do."""

    title: str
    statuses: tuple[int, ...]
    remedy: str
