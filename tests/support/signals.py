"""Signals that the parent of the tests ignores, for example under `nohup` or after `trap '' INT`."""

from __future__ import annotations

import signal

IGNORED_BY_SHELLS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


def stop_inheriting_ignored_signals() -> None:
    """Start children with the default action for signals that our parent ignores.

    A child inherits an ignored signal, but not a handler. So replace "ignore" by a handler that does nothing: this
    process still ignores the signal, and the servers that it starts can be stopped with it.
    """
    for number in IGNORED_BY_SHELLS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
