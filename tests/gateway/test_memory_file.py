"""Large pieces are sent from a file in memory: the next piece never changes the bytes that the kernel still sends."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import ExitStack

import pytest

from ticker.gateway.write_groups import MemoryFile


class OverwrittenFile(MemoryFile):
    """The control: a memory file that is overwritten without being truncated first."""

    def hold(self, data: bytes) -> int | None:
        assert self._descriptor is not None
        os.pwrite(self._descriptor, data, 0)
        return self._descriptor


def received_through(file: MemoryFile) -> list[tuple[bytes, bytes]]:
    """Send pieces to several sockets, then read the sockets. Return the bytes sent, and the bytes that arrived.

    Each piece replaces the one before it in the file while the kernel still has that one's pages. The kernel promises
    not to change the bytes in flight only for files that aren't modified.
    """
    pieces = [bytes([letter]) * size for letter, size in zip(b"abcdef", (48, 16, 64, 17, 33, 48), strict=True)]
    pieces = [piece * 1024 for piece in pieces]
    sent, results = b"".join(pieces), []
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, len(sent))
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        pairs = []
        for _ in range(4):
            writer = stack.enter_context(socket.create_connection(listener.getsockname()))
            writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * len(sent))
            pairs.append((writer, stack.enter_context(listener.accept()[0])))
        for piece in pieces:
            source = file.hold(piece)
            assert source is not None
            for writer, _ in pairs:
                assert os.sendfile(writer.fileno(), source, 0, len(piece)) == len(piece)
        for _, reader in pairs:
            results.append((sent, reader.recv(len(sent), socket.MSG_WAITALL)))
    return results


def test_bytes_being_sent_do_not_change_when_the_memory_file_gets_others() -> None:
    for sent, received in received_through(MemoryFile()):
        assert received == sent


def test_bytes_being_sent_change_if_the_memory_file_is_not_truncated() -> None:
    """The control of the test above: it would see a changed byte."""
    assert any(received != sent for sent, received in received_through(OverwrittenFile()))


def test_memory_file_is_not_used_without_enough_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    file = MemoryFile()
    assert file.hold(b"a" * 9) is not None
    monkeypatch.setattr(os, "pwrite", lambda *_: 4)
    assert file.hold(b"b" * 9) is None
    monkeypatch.setattr(os, "pwrite", _fail_without_memory)
    assert file.hold(b"c" * 9) is None
    monkeypatch.setattr(os, "memfd_create", _fail_without_memory)
    assert MemoryFile().hold(b"a" * 9) is None


def _fail_without_memory(*_: object) -> int:
    raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
