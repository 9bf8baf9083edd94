"""A command on a pseudo-terminal, so that a test sees what a person sees."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping

from tests.support.prefork import SCRIPTS

ESCAPE = "\x1b["


class Terminal:
    """Runs a command on a terminal of `columns` by 24 characters."""

    def __init__(self, script: str, *words: str, environ: Mapping[str, str], columns: int = 80) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [SCRIPTS / script, *words],
            env={**environ, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._ours = ours
        self._pieces: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._ours, 65536):
                self._pieces.append(piece)
        except OSError:  # on Linux, because the other end is closed
            return

    @property
    def seen(self) -> str:
        return b"".join(self._pieces).decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def wait(self) -> int:
        code = self.process.wait(60)
        self._thread.join(30)
        os.close(self._ours)
        return code
