"""Child processes that end with their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def tied_to_parent(ending: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """Return a `preexec_fn` for a child process: private files (umask), and the signal `ending` when its parent dies.

    The signal works only on Linux. The parent is the thread that calls this.
    """
    parent = os.getpid()
    # Load the library now: between fork and exec, the child of a process with threads must not load anything.
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        os.umask(0o077)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, int(ending), 0, 0, 0)
            if os.getppid() != parent:  # the parent died before prctl was called
                os._exit(1)

    return prepare
