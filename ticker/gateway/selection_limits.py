"""Limits on the different selections in use: in total, because each needs a frame cache, and per address.

An edition without a selection is always free: its frame caches serve most readers, and nobody can crowd them out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TypeAlias

from ticker.core.selection import EVERYTHING
from ticker.gateway.admission import RETRY_S, Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.follower import Follower
from ticker.gateway.frame_cache import CacheKey
from ticker.settings import Settings

_Use: TypeAlias = tuple[str, str, CacheKey]
"""An address, an edition, and the selection and framing that the address uses there."""


class SelectionLimits:
    """Counts the selections that each address uses, and refuses new ones above a limit."""

    def __init__(self, settings: Settings, refused: Counter[str]) -> None:
        """Create the limits. `refused` counts refusals by code, for the metrics."""
        self._max = settings.frame_caches
        self._per_address_max = settings.selections_per_address
        self._refused = refused
        self._followers: Counter[_Use] = Counter()
        self._per_address: Counter[str] = Counter()  # how many different ones an address uses

    def check(self, address: str, channel: Channel, key: CacheKey, channels: Collection[Channel]) -> None:
        """Check that a new follower from `address` may use this selection and framing of `channel`.

        Raises:
            Refusal: 429 if the address uses its maximum of other selections; 503 if a new frame cache is needed and
                `channels` have the maximum.

        """
        if key.selection == EVERYTHING:
            return
        most = self._per_address_max
        is_new = (address, channel.name, key) not in self._followers
        if most and is_new and self._per_address[address] >= most:
            self._refuse(429, "address-selections", f"this address uses {most} different selections, the maximum")
        if key not in channel.frame_caches and sum(len(each.frame_caches) for each in channels) >= self._max:
            self._refuse(503, "selections", f"{self._max} different selections are in use, the maximum")

    def _refuse(self, status: int, code: str, reason: str) -> None:
        self._refused[code] += 1
        raise Refusal(status, code, f"{reason}: follow without a selection, or try again later", RETRY_S)

    def enter(self, follower: Follower) -> None:
        """Count the selection of a new follower."""
        use = _use_of(follower)
        if use is not None:
            self._per_address[follower.address] += use not in self._followers
            self._followers[use] += 1

    def leave(self, follower: Follower) -> None:
        """Stop counting the selection of a follower whose connection is gone."""
        use = _use_of(follower)
        if use is None:
            return
        self._followers[use] -= 1
        if not self._followers[use]:
            del self._followers[use]
            self._per_address[follower.address] -= 1
            if not self._per_address[follower.address]:
                del self._per_address[follower.address]


def _use_of(follower: Follower) -> _Use | None:
    cache = follower.frame_cache
    return None if cache.key.selection == EVERYTHING else (follower.address, cache.history.name, cache.key)
