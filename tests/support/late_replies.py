"""Find races: tests that expect a relay to know the reply to a request that a service has only just read.

    LATE_REPLY_S=2 python -m pytest tests/relay tests/posting tests/backup

Every fake service does what a request says, and replies that much later. Then a test that waits only for the request
fails every time, and not only on a busy machine.
"""

from __future__ import annotations

import os
import time
from typing import Final

LATE_REPLY_S: Final = float(os.environ.get("LATE_REPLY_S", "0"))


def delay_reply() -> None:
    """Block for `LATE_REPLY_S`. Fake services call it after what a request does, and before the reply."""
    if LATE_REPLY_S:
        time.sleep(LATE_REPLY_S)
