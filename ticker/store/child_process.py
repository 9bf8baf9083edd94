"""Child processes that end with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tied_to_parent(ending: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """What a child runs before its program, so that it keeps its files private and gets `ending` when its parent dies.

    On Linux; elsewhere only the former. Its parent is the thread that calls this.
    """
    parent = os.getpid()
    # Looked up here: between fork and exec, a child of a process with threads must not load anything.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        os.umask(0o077)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(ending), 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked to be told
                os._exit(1)

    return prepare
