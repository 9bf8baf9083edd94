from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.load import Load, Report
from benchmarks.log_writer import LogWriter
from benchmarks.machine import find_cores
from benchmarks.programs import compile_program
from benchmarks.yardsticks import c_loop, c_loop_joining

RESPONSE = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
MARK = "0123456789abcdef"
BOARD = f'{{"type":"board","position":"4-{MARK}","reset":null,"edition":{{}},"lines":[{{"text":"T=1;"}}]}}'
PATIENCE_S = 10.0


def line(seq: int, text: str = "") -> str:
    return f'{{"type":"line","position":"{seq}-{MARK}","line":{{"id":"x","text":"{text}"}}}}'


def live(seq: int) -> str:
    return f'{{"type":"live","position":"{seq}-{MARK}","replayed":0}}'


def frame(text: str | bytes, opcode: int = 1) -> bytes:
    payload = text.encode() if isinstance(text, str) else text
    if len(payload) < 126:
        head = struct.pack("!BB", 0x80 | opcode, len(payload))
    elif len(payload) < 65_536:
        head = struct.pack("!BBH", 0x80 | opcode, 126, len(payload))
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 127, len(payload))
    return head + payload


class Scripted:
    """A server for one follower, which sends what the test passes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE_S)
        self.port: int = self._listener.getsockname()[1]
        self.request = b""

    def accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while b"\r\n\r\n" not in self.request:
            self.request += connection.recv(4096)
        return connection

    def serve(self, data: bytes, piece: int = 1 << 20) -> threading.Thread:
        """Send `data` to the next client, in pieces of `piece` bytes. The connection stays open until the test ends."""

        def send() -> None:
            self.connection = self.accept()
            for start in range(0, len(data), piece):
                self.connection.sendall(data[start : start + piece])

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread

    def receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size and (more := self.connection.recv(size - len(data))):
            data += more
        return data

    def close(self) -> None:
        self._listener.close()
        if hasattr(self, "connection"):
            self.connection.close()


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.close()


def follow(
    server: Scripted, *messages: str, dialect: str = "ticker", next_seq: int = 0, selected: bool = False
) -> Report:
    """Send these messages to the one follower of `load`, and return its report after the last one."""
    return follow_bytes(server, b"".join(map(frame, messages)), 1 << 20, dialect, next_seq, selected)


def follow_bytes(
    server: Scripted, data: bytes, piece: int, dialect: str = "ticker", next_seq: int = 0, selected: bool = False
) -> Report:
    server.serve(RESPONSE + data, piece)
    with Load(server.port, dialect, {find_cores().load}) as load:
        load.open(1, ["/v1/en/live"], next_seq=next_seq, selected=selected)
        return settled(load, len(RESPONSE + data))


def settled(load: Load, sent: int) -> Report:
    """Return the report after everything that was sent has been read. `load` counts from its start, without a reset."""
    until = time.monotonic() + PATIENCE_S
    while (report := load.report()).bytes < sent:
        assert time.monotonic() < until, f"{report.bytes} of {sent} bytes were read"
    return report


def test_the_c_programs_compile_without_a_warning(tmp_path: Path) -> None:
    for name in ("load", "yardstick"):
        assert compile_program(name, tmp_path, flags=("-Wconversion", "-Wshadow", "-Werror")).exists()


def test_lines_in_order_are_neither_lost_nor_repeated(server: Scripted) -> None:
    report = follow(server, BOARD, live(4), line(5), line(6), line(7))
    assert (report.live, report.boards, report.lives, report.deliveries) == (1, 1, 1, 3)
    assert (report.lost, report.repeated, report.resets, report.others) == (0, 0, 0, 0)


def test_a_gap_counts_each_missing_line_as_lost(server: Scripted) -> None:
    report = follow(server, BOARD, live(4), line(5), line(9))
    assert (report.lost, report.repeated) == (3, 0)


def test_a_repeat_is_counted_and_changes_nothing_else(server: Scripted) -> None:
    report = follow(server, BOARD, live(4), line(5), line(5), line(6))
    assert (report.lost, report.repeated) == (0, 1)


def test_a_line_that_comes_too_late_is_a_loss_and_a_repeat(server: Scripted) -> None:
    report = follow(server, BOARD, live(4), line(6), line(5), line(7))
    assert (report.lost, report.repeated) == (1, 1)


def test_the_first_replayed_line_must_be_the_one_after_the_position(server: Scripted) -> None:
    report = follow(server, line(8), live(8), next_seq=7)
    assert (report.lost, report.deliveries) == (1, 1)


def test_a_heartbeat_ahead_of_the_lines_counts_as_a_loss(server: Scripted) -> None:
    heartbeat = f'{{"type":"heartbeat","position":"6-{MARK}"}}'
    report = follow(server, BOARD, live(4), line(5), heartbeat)
    assert (report.heartbeats, report.lost) == (1, 1)


def test_a_follower_with_a_selection_may_miss_lines(server: Scripted) -> None:
    report = follow(server, BOARD, live(4), line(7), line(6), line(9), selected=True)
    assert (report.lost, report.repeated) == (0, 1)


def test_a_board_after_a_loss_counts_as_a_reset_and_restarts_the_sequence(server: Scripted) -> None:
    reset = f'{{"type":"board","position":"9-{MARK}","reset":"replaced","edition":{{}},"lines":[]}}'
    report = follow(server, BOARD, live(4), reset, line(10))
    assert (report.resets, report.lost, report.repeated) == (1, 0, 0)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_frames_may_come_in_any_pieces(server: Scripted, piece: int) -> None:
    padding = "x" * 300
    data = b"".join(map(frame, (BOARD, live(4), line(5, padding), line(6), line(7, padding * 300))))
    report = follow_bytes(server, data[: 2_000 if piece < 3 else None], piece)
    assert (report.lost, report.repeated) == (0, 0)
    assert report.deliveries == (2 if piece < 3 else 3)


def test_an_incomplete_frame_is_kept_until_the_rest_arrives(server: Scripted) -> None:
    data = RESPONSE + frame(BOARD) + frame(live(4)) + frame(line(5))
    server.serve(data[:-1])
    with Load(server.port, "ticker", {find_cores().load}) as load:
        load.open(1, ["/"])
        assert settled(load, len(data) - 1).deliveries == 0
        server.connection.sendall(data[-1:])
        assert settled(load, len(data)).deliveries == 1


def test_the_latency_is_the_time_since_the_stamp(server: Scripted) -> None:
    stamp = time.monotonic_ns() - 5_000_000_000
    report = follow(server, BOARD, live(4), line(5, f"T={stamp}; words"), line(6, f"now T={stamp}; words"))
    assert report.latency.count == 2
    for value in (report.latency.p50, report.latency.p99, report.latency.max):
        assert 5.0 <= value / 1e9 <= 5.0 + PATIENCE_S


def test_replayed_lines_are_deliveries_without_a_latency(server: Scripted) -> None:
    report = follow(server, line(5, "T=1;"), line(6, "T=1;"), live(6), next_seq=5)
    assert (report.deliveries, report.latency.count) == (2, 0)


def test_a_ping_is_answered_with_its_payload(server: Scripted) -> None:
    server.serve(RESPONSE + frame(live(4)) + frame(b"are you there", 9))
    pong = b"\x8a\x8d\0\0\0\0are you there"
    with Load(server.port, "ticker", {find_cores().load}) as load:
        load.open(1, ["/"])
        assert server.receive(len(pong)) == pong


def test_a_close_is_counted_with_its_code(server: Scripted) -> None:
    report = follow_bytes(server, frame(live(4)) + frame(struct.pack("!H", 1013) + b"later", 8), 1 << 20)
    assert (report.closed, report.close_code) == (1, 1013)


def test_a_refusal_reports_the_status_line(server: Scripted) -> None:
    server.serve(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n")
    with Load(server.port, "ticker", {find_cores().load}) as load:
        opened = load.open(1, ["/"])
    assert (opened.ready, opened.refused, opened.refusal) == (0, 1, "HTTP/1.1 503 Service Unavailable")


def test_each_follower_requests_its_own_path(server: Scripted) -> None:
    server.serve(RESPONSE)
    with Load(server.port, "plain", {find_cores().load}) as load:
        load.open(1, ["/v1/en/live?section=economy"])
    assert server.request.startswith(b"GET /v1/en/live?section=economy HTTP/1.1\r\n")


def test_socketio_gets_a_greeting_and_pongs(server: Scripted) -> None:
    messages = ('0{"sid":"a"}', '40{"sid":"b"}', f'42["line",{line(1)}]', "2")
    data = RESPONSE + b"".join(map(frame, messages))
    server.serve(data)
    greeting, pong = b"\x81\x82\0\0\0\x0040", b"\x81\x81\0\0\0\x003"
    with Load(server.port, "socketio", {find_cores().load}) as load:
        load.open(1, ["/"])
        report = settled(load, len(data))
        assert (report.live, report.deliveries) == (1, 1)
        assert server.receive(len(greeting + pong)) == greeting + pong


def test_several_messages_in_one_frame_count_as_several_deliveries(server: Scripted) -> None:
    pushes = "\n".join(f'{{"push":{{"channel":"ticker","pub":{{"data":{line(seq)}}}}}}}' for seq in (1, 2, 3))
    report = follow(server, '{"id":1,"connect":{}}\n{"id":2,"subscribe":{}}', pushes, dialect="centrifugo")
    assert (report.live, report.deliveries, report.lost) == (1, 3, 0)


def test_followers_over_events_are_live_after_their_board_and_miss_nothing_unnoticed(server: Scripted) -> None:
    messages = [("board", BOARD), ("live", live(4)), *(("line", line(seq)) for seq in (5, 7, 7))]
    events = "".join(f"id: 1-{MARK}\nevent: {name}\ndata: {text}\n\n" for name, text in messages).encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    server.serve(response + events, 9)
    with Load(server.port, "ticker-events", {find_cores().load}) as load:
        opened = load.open(1, ["/v1/en/events"])
        report = settled(load, len(response + events))
    assert (opened.ready, report.boards, report.lives, report.deliveries) == (1, 1, 1, 3)
    assert (report.lost, report.repeated) == (1, 1)


def test_events_are_read_without_frames(server: Scripted) -> None:
    events = "".join(f"id: {seq}\ndata: {line(seq)}\n\n" for seq in (1, 2)).encode()
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    server.serve(response + events, 9)
    with Load(server.port, "events", {find_cores().load}) as load:
        load.open(1, ["/"])
        assert settled(load, len(response + events)).deliveries == 2


def test_a_stalled_follower_reads_nothing_until_wake(server: Scripted) -> None:
    opening = RESPONSE + frame(BOARD) + frame(live(4))
    server.serve(opening)
    with Load(server.port, "ticker", {find_cores().load}) as load:
        load.open(1, ["/"], stalled_percent=100)
        settled(load, len(opening))
        server.connection.sendall(frame(line(5)))
        assert load.report().deliveries == 0
        load.wake()
        load.expect(1)
        assert load.await_deliveries(PATIENCE_S)


def test_followers_that_lack_a_line_are_not_up_to_date(server: Scripted) -> None:
    data = RESPONSE + frame(BOARD) + frame(live(4)) + frame(line(5))
    server.serve(data)
    with Load(server.port, "ticker", {find_cores().load}) as load:
        load.open(1, ["/"])
        settled(load, len(data))
        assert [load.up_to_date(seq) for seq in (5, 6, 7)] == [0, 1, 0]


def test_withdrawals_are_counted_only_without_a_text(server: Scripted) -> None:
    def withdrawal(seq: int, text: str) -> str:
        return f'{{"type":"line","position":"{seq}-{MARK}","line":{{"status":"canceled","text":"{text}"}}}}'

    data = RESPONSE + frame(BOARD) + frame(live(4))
    server.serve(data)
    with Load(server.port, "ticker", {find_cores().load}) as load:
        load.open(1, ["/"])
        load.count_withdrawals()
        load.reset()
        more = frame(line(5)) + frame(withdrawal(6, "still there")) + frame(withdrawal(7, ""))
        server.connection.sendall(more)
        report = settled(load, len(more))
    assert (report.deliveries, report.withdrawn) == (3, 1)


@pytest.mark.parametrize("make", [c_loop, c_loop_joining])
def test_the_c_yardstick_sends_each_line_to_each_connection_once(make: object) -> None:
    writer, connections, entries = LogWriter(), 40, 25
    assert callable(make)
    with make(find_cores()) as subject, Load(subject.port, "plain", {find_cores().load}) as load:
        assert load.open(connections, ["/"]).ready == connections
        load.reset()
        load.expect(connections * entries)
        for _ in range(entries):
            subject.post(writer.write())
        assert load.await_deliveries(PATIENCE_S)
        report = load.report()
    assert (report.deliveries, report.lost, report.repeated) == (connections * entries, 0, 0)
    assert report.latency.count == connections * entries
