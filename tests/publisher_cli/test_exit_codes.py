"""Failures: `tick` prints NOT ON AIR, whether this is certain, and what to do."""

from __future__ import annotations

import json
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.commands import one_line
from tests.support.prefork import SCRIPTS
from tests.support.servers import RedisServer, free_port
from tests.support.system import Program, Ran, environment, run_program
from tests.support.terminal import ESCAPE, Terminal
from tests.support.waiting import until


class LosesReply:
    """A proxy in front of a server on a Unix socket, which loses the reply to the first submission.

    It forwards the submission, and then closes the connection. It forwards everything else.
    """

    def __init__(self, server: Path, path: Path) -> None:
        self.url = f"unix://{path}"
        self.losses = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            server.connect(str(self._server))
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    (server if source is client else client).sendall(data)
                    if source is client and b"XADD" in data and b":inbox:" in data and not self.losses:
                        self.losses += 1
                        server.recv(65536)
                        return


class RedisAndDesk:
    """A Redis with an edition, and a desk that runs only if the test starts it."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.server = server
        self.environ = environment(TICKER_REDIS_URL=server.url, TICK_EDITOR="maha", TICK_EDITION="en")
        self.desk = Program(["desk", "--editions", "en"], self.environ, folder / "desk.log")

    def tick(self, *words: str) -> Ran:
        return run_program("tick", *words, environ=self.environ)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Start a command, and return while it runs."""
        return subprocess.Popen(
            [SCRIPTS / "tick", *words], env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def until_submitted(self, editor: str = "maha") -> None:
        key = f"ticker:{{en}}:inbox:{editor}"
        until(lambda: bool(self.server.command("EXISTS", key) and self.server.command("XLEN", key)), "it is submitted")


@pytest.fixture
def rig(folder: Path, redis_server: RedisServer) -> Iterator[RedisAndDesk]:
    """The desk has run once and created the edition. It does not run now."""
    rig = RedisAndDesk(folder, redis_server)
    with rig.desk:
        pass
    yield rig
    rig.desk.stop()


def finished(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def test_error_without_a_system_tells_how_to_start_one(tmp_path: Path) -> None:
    ran = run_program("tick", "post", "x", "-e", "en", environ=environment(TICKER_DATA=str(tmp_path)))
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.startswith("NOT ON AIR  en  no embedded server runs in the data folder")
    assert "ticker up" in ran.err


def test_json_receipt_without_redis_has_the_code_no_redis(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://{folder}/nothing.sock")
    ran = run_program("tick", "post", "x", "-e", "en", "--json", "--key", "k1", environ=environ)
    assert ran.code == 4
    assert ran.json["status"] == "not-on-air"
    assert ran.json["key"] == "k1"
    assert [finding["code"] for finding in ran.json["errors"]] == ["no-redis"]


def test_unreachable_cluster_has_the_code_no_redis(tmp_path: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"redis+cluster://127.0.0.1:{free_port()}", TICKER_DATA=str(tmp_path))
    ran = run_program("tick", "post", "x", "-e", "en", "--json", environ=environ)
    assert ran.code == 4
    assert [finding["code"] for finding in ran.json["errors"]] == ["no-redis"]
    ran = run_program("tick", "board", "-e", "en", environ=environ)
    assert ran.code == 4
    assert "can't be reached" in one_line(ran)
    assert (
        run_program("ticker", "verify", "en", environ=environ).code
        == run_program(
            "ticker", "verify", "en", environ=environment(TICKER_REDIS_URL=f"redis://127.0.0.1:{free_port()}")
        ).code
    )


def test_read_command_without_redis_prints_one_line(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://{folder}/nothing.sock")
    for command in ("board", "log", "editions"):
        ran = run_program("tick", command, environ=environ)
        assert ran.code == 4
        assert "can't be reached" in one_line(ran)
        assert run_program("tick", command, "--json", environ=environ).json["error"] == "error"


def test_password_is_never_printed(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://maha:s3cret@{folder}/nothing.sock")
    ran = run_program("tick", "post", "x", "-e", "en", "--debug", environ=environ)
    assert ran.code == 4
    assert "s3cret" not in ran.err + ran.out


def test_post_without_a_desk_is_certainly_not_on_air_and_can_be_repeated_with_its_key(rig: RedisAndDesk) -> None:
    ran = rig.tick("post", "A late line", "--wait", "0.5", "--key", "again")
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.startswith("NOT ON AIR  en  no desk answered within 0.5 s, and it can't be published any more")
    assert "--key again" in ran.err
    rig.desk.start()
    # The request in the inbox is late by now. The desk answers it, but doesn't publish it.
    assert rig.tick("log", "--json").json["entries"] == []
    assert rig.tick("post", "A late line", "--key", "again", "--no-reach").code == 0
    assert len(rig.tick("log", "--json").json["entries"]) == 1


def test_post_survives_a_lost_connection_without_a_second_line(rig: RedisAndDesk) -> None:
    process = rig.begin("post", "Through it all", "--json", "--wait", "20")
    rig.until_submitted()
    rig.server.kill()
    rig.server.start()
    rig.desk.start()
    ran = finished(process)
    assert ran.code == 0, ran
    entries = rig.tick("log", "--json").json["entries"]
    assert [entry["line"]["id"] for entry in entries] == [ran.json["id"]]


def test_lost_reply_makes_no_second_line_and_the_key_gets_the_same_receipt(rig: RedisAndDesk, folder: Path) -> None:
    rig.desk.start()
    assert rig.server.socket is not None
    front = LosesReply(rig.server.socket, folder / "front.sock")
    environ = {**rig.environ, "TICKER_REDIS_URL": front.url}
    words = ("post", "Heard only once", "--key", "heard", "--json", "--no-reach")
    first = run_program("tick", *words, environ=environ)
    front.close()
    assert front.losses == 1
    assert first.code == 0
    assert rig.tick(*words).out == first.out
    entries = rig.tick("log", "--json").json["entries"]
    assert [entry["key"] for entry in entries] == ["heard"]


def test_key_of_a_published_line_gets_its_receipt_without_a_desk(rig: RedisAndDesk) -> None:
    """The second request has the same key, and no desk to answer it."""
    rig.desk.start()
    words = ("post", "This is on air", "--key", "heard", "--json", "--no-reach", "--wait", "0.5")
    first = rig.tick(*words)
    rig.desk.kill()
    assert rig.tick(*words).out == first.out
    other = rig.tick("post", "Not on air", "--key", "new", "--json", "--no-reach", "--wait", "0.5")
    assert (other.code, other.json["errors"][0]["code"]) == (4, "no-desk")


def test_not_on_air_with_a_repeated_key_warns_about_the_earlier_request(rig: RedisAndDesk) -> None:
    """The first request still waits, and a desk may publish it. Only the second one is certainly too late."""
    first = rig.begin("post", "It waits here", "--key", "twice", "--wait", "25")
    rig.until_submitted()
    first.kill()
    first.communicate()
    second = rig.tick("post", "It waits here", "--key", "twice", "--wait", "0.3")
    assert second.code == 4
    assert "an earlier request with this key may be on air, or may still be published" in second.err
    rig.desk.start()
    until(lambda: rig.tick("log", "--json").json["entries"], "the first one comes on air")


def test_request_without_an_answer_is_unconfirmed(rig: RedisAndDesk) -> None:
    process = rig.begin("post", "Nobody knows", "--json", "--wait", "1")
    rig.until_submitted()
    rig.server.kill()
    ran = finished(process)
    rig.server.start()
    assert ran.code == 6
    assert json.loads(ran.out)["status"] == "unknown"
    assert [finding["code"] for finding in json.loads(ran.out)["errors"]] == ["unconfirmed"]


def test_ctrl_c_after_sending_is_unknown_if_no_desk_answers_for_a_moment(rig: RedisAndDesk) -> None:
    process = rig.begin("post", "Interrupted", "--wait", "20", "--key", "stop")
    rig.until_submitted()
    process.send_signal(signal.SIGINT)
    ran = finished(process)
    assert ran.code == 130
    first, second = ran.err.splitlines()
    assert first == "UNKNOWN  en  interrupted after it was sent: it may be on air"
    assert second.endswith("repeat the command with --key stop: it never makes a second line")


def test_terminal_shows_how_long_no_desk_has_answered(rig: RedisAndDesk) -> None:
    terminal = Terminal("tick", "post", "Waiting for it", "--wait", "20", environ=rig.environ)
    until(lambda: "waiting for a desk: 2 s of 20 s; Ctrl-C stops waiting" in terminal.seen, "the seconds show")
    rig.desk.start()
    assert terminal.wait() == 0
    assert f"\r{ESCAPE}K" in terminal.seen.partition("on air")[0][-20:]  # the seconds are gone


def test_second_change_of_the_same_version_is_refused(rig: RedisAndDesk) -> None:
    rig.desk.start()
    line_id = rig.tick("post", "The first text", "--json").json["id"]
    rig.desk.kill()
    changes = [
        rig.begin("update", line_id, "The next text", "--editor", name, "--wait", "20", "--no-reach")
        for name in ("omar", "lina")
    ]
    for name in ("omar", "lina"):
        rig.until_submitted(name)
    rig.desk.start()
    ended = sorted(finished(change) for change in changes)
    assert [ran.code for ran in ended] == [0, 3]
    assert "is not the latest: look at version 2" in ended[1].err


def test_redis_that_hangs_is_not_on_air(rig: RedisAndDesk) -> None:
    rig.server.pause()
    try:
        ran = rig.tick("post", "Hanging", "-e", "en", "--wait", "0.5")
    finally:
        rig.server.resume()
    assert ran.code == 4
    assert "NOT ON AIR" in ran.err
    assert "doesn't answer in time" in ran.err
