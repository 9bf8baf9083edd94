from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ticker.store.file_lock import FileLock


def test_a_second_lock_on_the_same_file_is_not_acquired_until_the_first_is_released(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()


def test_a_child_that_inherited_the_lock_holds_it_after_its_parent_released_it(tmp_path: Path) -> None:
    lock, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert lock.acquire()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.fileno(),)) as child:
        lock.release()
        assert not other.acquire()
        child.communicate(b"\n")
    assert other.acquire()
    other.release()


def test_holder_is_the_process_that_signed_the_lock(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    assert lock.acquire()
    assert lock.holder() == "unknown"
    lock.sign()
    assert FileLock(tmp_path / "lock").holder() == str(os.getpid())
    lock.release()


def test_releasing_a_lock_that_is_not_held_does_nothing(tmp_path: Path) -> None:
    FileLock(tmp_path / "lock").release()
