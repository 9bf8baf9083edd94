"""Find races: tests that expect a line from a gateway that hasn't read it yet.

    LATE_S=0.4 python -m pytest tests/gateway tests/web tests/client

Every gateway reads each line that late, in this process and in those that `prefork` starts. Then a test that doesn't
wait for the gateway fails every time, and not only on a busy machine.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any, Final

from ticker.core.entry import RawEntry
from ticker.gateway import feed
from ticker.store.log_reader import listen

LATE_S: Final = float(os.environ.get("LATE_S", "0"))


async def listen_late(*values: Any, **options: Any) -> tuple[list[RawEntry], str]:
    """Read the log as `listen` does. If there are new entries, return them `LATE_S` later."""
    entries, rung = await listen(*values, **options)
    if entries and LATE_S:
        await asyncio.sleep(LATE_S)
    return entries, rung


def delay_gateways() -> None:
    """Let all gateways of this process read late, if `LATE_S` is set."""
    if LATE_S:
        vars(feed)["listen"] = listen_late
