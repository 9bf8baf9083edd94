"""The entry point of `tick`. It handles Ctrl-C before it imports the rest, which takes a tenth of a second.

The program `tick` starts Python with a call of it: see `launcher.c`.
"""

from __future__ import annotations

import signal
from typing import NoReturn

from publisher_cli.interrupt import end_with_sentence


def main() -> NoReturn:
    signal.signal(signal.SIGINT, end_with_sentence)
    # The launcher has blocked it, so that a Ctrl-C that came while Python was starting is handled here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    from publisher_cli.cli import main as run_tick  # noqa: PLC0415 -- see above

    run_tick()


if __name__ == "__main__":
    main()
