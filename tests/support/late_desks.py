"""Find races: tests that expect a decision from a desk that hasn't read the request yet.

    LATE_DESK_S=0.4 python -m pytest tests/desk tests/publisher_cli tests/posting

Every desk reads each request that late, in this process and in those that `prefork` starts.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from ticker.desk import worker
from ticker.store.streams import StreamEntry, read_streams

LATE_DESK_S: Final = float(os.environ.get("LATE_DESK_S", "0"))


async def _read_late(*values: Any, **options: Any) -> dict[str, list[StreamEntry]]:
    found = await read_streams(*values, **options)
    if found:
        await asyncio.sleep(LATE_DESK_S)
    return found


def delay_desks() -> None:
    """Let all desks of this process read late, if `LATE_DESK_S` is set."""
    if LATE_DESK_S:
        vars(worker)["read_streams"] = _read_late
