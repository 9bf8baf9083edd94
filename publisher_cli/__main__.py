"""The entry point of `tick`. It handles Ctrl-C before it imports the rest, which takes most of its time.

The program `tick` starts Python with a call of it: see `launcher.c`.
"""

from __future__ import annotations

import gc
import signal
import sys
from typing import NoReturn

from publisher_cli.interrupt import end_with_sentence


def main() -> NoReturn:
    signal.signal(signal.SIGINT, end_with_sentence)
    # The launcher has blocked it, so that a Ctrl-C that came while Python was starting is handled here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    gc.disable()  # during imports, and in a process that ends soon, it would only cost time
    # msgspec imports it, if it is installed, and needs it only before Python 3.11: that would take 3 ms.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    from publisher_cli.cli import main as run_tick  # noqa: PLC0415 -- see above

    del sys.modules["typing_extensions"]
    run_tick()


if __name__ == "__main__":
    main()
