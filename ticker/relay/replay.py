"""Mark the failed deliveries of a relay that doesn't run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ticker.relay.book import Limits
from ticker.relay.plan import Plan
from ticker.relay.state import StateFile, known_routes, state_file


def mark_failed(folder: Path, receiver: str | None) -> Iterator[tuple[str, str, int]]:
    """Mark all failed deliveries of one receiver, or of all: a relay sends them again when it starts.

    Yield the receiver, the edition and the number of deliveries of each route.

    Raises:
        StoreError: If `folder` isn't the state of a relay, or the relay runs.

    """
    for name, edition in known_routes(folder):
        if receiver is not None and name != receiver:
            continue
        with StateFile(state_file(folder, name, edition)) as state:
            plan = Plan(Limits(), *state.load())
            count = plan.enable()
            state.save(plan.take_changes())
        yield name, edition, count
