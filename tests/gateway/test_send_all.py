"""The loop of C and the one of Python send the same bytes to the same sockets, and report the same."""

from __future__ import annotations

import os
import socket
from array import array
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from ticker.gateway.send_all import SendAll, load_library, send_all, send_all_in_python

ROOM = 8 * 1024
"""Far less than a full socket accepts at once."""


def loop_of_c() -> SendAll:
    found = load_library()
    assert found is not None, "ticker/gateway/libsend_all.so is missing: `make dev`"
    return found


@pytest.fixture(params=["C", "Python"])
def loop(request: pytest.FixtureRequest) -> SendAll:
    return loop_of_c() if request.param == "C" else send_all_in_python


class Pairs(ExitStack):
    """Connected sockets: the `writers` don't block."""

    def __init__(self, count: int) -> None:
        super().__init__()
        pairs = [socket.socketpair() for _ in range(count)]
        self.writers = [self.enter_context(writer) for writer, _ in pairs]
        self.readers = [self.enter_context(reader) for _, reader in pairs]
        for each in [*self.writers, *self.readers]:
            each.setblocking(False)
        self.descriptors = array("i", [writer.fileno() for writer in self.writers])

    def fill(self, place: int) -> None:
        """Write until the socket accepts nothing more."""
        with suppress(BlockingIOError):
            while True:
                self.writers[place].send(b"x" * ROOM)

    def read(self, place: int) -> bytes:
        data = b""
        with suppress(BlockingIOError):
            while more := self.readers[place].recv(1 << 20):
                data += more
        return data


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with Pairs(4) as pairs:
        yield pairs


@pytest.fixture
def file() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("from_file", [False, True])
def test_every_socket_gets_all_bytes(loop: SendAll, pairs: Pairs, file: int, *, from_file: bool) -> None:
    data = b"a\0b" * 100
    os.pwrite(file, data, 0)
    for _ in range(2):  # the file's offset doesn't move
        assert loop(pairs.descriptors, data, file if from_file else None) == []
    assert [pairs.read(place) for place in range(4)] == [2 * data] * 4


@pytest.mark.parametrize("from_file", [False, True])
def test_full_socket_is_reported_and_the_others_are_served(
    loop: SendAll, pairs: Pairs, file: int, *, from_file: bool
) -> None:
    data = b"y" * 100
    os.pwrite(file, data, 0)
    pairs.fill(1)
    pairs.fill(3)
    assert loop(pairs.descriptors, data, file if from_file else None) == [(1, 0), (3, 0)]
    assert [pairs.read(place).count(b"y") for place in range(4)] == [100, 0, 100, 0]


def test_partial_write_is_reported_with_the_bytes_accepted(loop: SendAll, pairs: Pairs) -> None:
    data = bytes(range(256)) * 8 * 1024
    ((place, accepted), *others) = loop(pairs.descriptors[2:], data, None)
    assert (place, len(others)) == (0, 1)
    assert 0 < accepted < len(data)
    assert pairs.read(2) == data[:accepted]


def test_broken_and_closed_descriptors_are_reported(loop: SendAll, pairs: Pairs) -> None:
    pairs.readers[0].close()
    pairs.descriptors[2] = 1 << 20
    assert loop(pairs.descriptors, b"data", None) == [(0, 0), (2, 0)]
    assert pairs.read(1) == pairs.read(3) == b"data"


def test_no_socket_is_no_work(loop: SendAll) -> None:
    assert loop(array("i"), b"data", None) == []


def test_gateway_uses_the_loop_of_c() -> None:
    loop_of_c()
    assert send_all is not send_all_in_python


def test_missing_library_is_no_error(tmp_path: Path) -> None:
    assert load_library(tmp_path / "none.so") is None
