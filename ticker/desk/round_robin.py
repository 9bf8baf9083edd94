"""Turns: a flood from one editor doesn't delay another's line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest
from typing import TypeVar, cast

T = TypeVar("T")


def take_turns(queues: Iterable[Sequence[T]]) -> list[T]:
    """The first of each queue, then the second of each, and so on; each queue keeps its order."""
    nothing = object()
    turns = chain.from_iterable(zip_longest(*queues, fillvalue=nothing))
    return [cast("T", item) for item in turns if item is not nothing]
