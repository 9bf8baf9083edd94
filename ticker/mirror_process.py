"""`ticker mirror` as a process: its rounds, its log and its signals."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import Event

import msgspec

from ticker.console import Console
from ticker.core.errors import SettingsError
from ticker.logs import set_up_logs
from ticker.mirror.gateway import Gateway
from ticker.mirror.mirror import Mirror
from ticker.mirror.tree import Tree
from ticker.signals import handle_signals


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to mirror: a gateway's URL, a folder, and editions (none: all of them).

    A round begins every `every_s` seconds. The files are removed after `keep_s` seconds without the gateway (0: never).
    With `once`, one round is all.
    """

    folder: Path
    gateway: str
    editions: Sequence[str]
    every_s: float
    keep_s: float
    once: bool


def run(console: Console, wanted: Wanted) -> None:
    """Mirror until a signal comes. Print `ready` when all files are there.

    Raises:
        SettingsError: If the folder can't be used, or the only round failed.

    """
    set_up_logs(console.environ)
    stop = Event()
    with Tree(wanted.folder) as tree, closing(Gateway(wanted.gateway)) as source, handle_signals(stop.set):
        copy = Mirror(tree, source, wanted.editions, keep_s=wanted.keep_s, monotonic=time.monotonic)
        is_ready = False
        while not stop.is_set():
            is_done = copy.refresh()
            if is_done and not is_ready:
                is_ready = True
                console.show({"ready": str(wanted.folder)}, f"ready {wanted.folder}")
            if wanted.once:
                if not is_done:
                    raise SettingsError(
                        f"{wanted.gateway} doesn't answer as a gateway does: try again, or correct --gateway"
                    )
                break
            stop.wait(wanted.every_s)
