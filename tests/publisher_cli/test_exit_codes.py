"""When a line isn't on air, `tick` says so loudly, says whether that is certain, and says what to do."""

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
from tests.support.waiting import until


class LosesReply:
    """Stands before a server on a Unix socket, and breaks the first connection on which something is submitted.

    The submission gets through; its reply doesn't come back. All else passes.
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


class Newsroom:
    """A Redis with an edition, and no desk unless one is started."""

    def __init__(self, folder: Path, server: RedisServer) -> None:
        self.server = server
        self.environ = environment(TICKER_REDIS_URL=server.url, TICK_EDITOR="maha", TICK_EDITION="en")
        self.desk = Program(["desk", "--editions", "en"], self.environ, folder / "desk.log")

    def tick(self, *words: str) -> Ran:
        return run_program("tick", *words, environ=self.environ)

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """A command that goes on while the test does something else."""
        return subprocess.Popen(
            [SCRIPTS / "tick", *words], env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def until_submitted(self, editor: str = "maha") -> None:
        key = f"ticker:{{en}}:inbox:{editor}"
        until(lambda: bool(self.server.command("EXISTS", key) and self.server.command("XLEN", key)), "it is submitted")


@pytest.fixture
def newsroom(folder: Path, redis_server: RedisServer) -> Iterator[Newsroom]:
    """The desk has run once, and made the edition."""
    room = Newsroom(folder, redis_server)
    with room.desk:
        pass
    yield room
    room.desk.stop()


def finished(process: subprocess.Popen[str]) -> Ran:
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def test_without_a_system_the_words_say_how_to_start_one(tmp_path: Path) -> None:
    ran = run_program("tick", "post", "x", "-e", "en", environ=environment(TICKER_DATA=str(tmp_path)))
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.startswith("NOT ON AIR  en  no embedded server runs in the data folder")
    assert "ticker up" in ran.err


def test_without_redis_nothing_was_sent_and_json_says_so(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://{folder}/nothing.sock")
    ran = run_program("tick", "post", "x", "-e", "en", "--json", "--key", "k1", environ=environ)
    assert ran.code == 4
    assert ran.json["status"] == "not-on-air"
    assert ran.json["key"] == "k1"
    assert [finding["code"] for finding in ran.json["errors"]] == ["no-redis"]


def test_a_cluster_that_cannot_be_reached_is_no_redis(tmp_path: Path) -> None:
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


def test_reading_without_redis_fails_in_one_line(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://{folder}/nothing.sock")
    for command in ("board", "log", "editions"):
        ran = run_program("tick", command, environ=environ)
        assert ran.code == 4
        assert "can't be reached" in one_line(ran)
        assert run_program("tick", command, "--json", environ=environ).json["error"] == "error"


def test_a_password_is_never_shown(folder: Path) -> None:
    environ = environment(TICKER_REDIS_URL=f"unix://maha:s3cret@{folder}/nothing.sock")
    ran = run_program("tick", "post", "x", "-e", "en", "--debug", environ=environ)
    assert ran.code == 4
    assert "s3cret" not in ran.err + ran.out


def test_without_a_desk_it_is_certain_and_the_key_makes_a_second_try_safe(newsroom: Newsroom) -> None:
    ran = newsroom.tick("post", "Late", "--wait", "0.5", "--key", "again")
    assert ran.code == 4
    assert ran.out == ""
    assert ran.err.startswith("NOT ON AIR  en  no desk answered within 0.5 s, and it can't be published any more")
    assert "--key again" in ran.err
    newsroom.desk.start()
    # What waited in the inbox was too late: it is answered, and never sent as if it were news.
    assert newsroom.tick("log", "--json").json["entries"] == []
    assert newsroom.tick("post", "Late", "--key", "again").code == 0
    assert len(newsroom.tick("log", "--json").json["entries"]) == 1


def test_a_lost_connection_is_asked_again_and_nothing_is_sent_twice(newsroom: Newsroom) -> None:
    process = newsroom.begin("post", "Through it all", "--json", "--wait", "20")
    newsroom.until_submitted()
    newsroom.server.kill()
    newsroom.server.start()
    newsroom.desk.start()
    ran = finished(process)
    assert ran.code == 0, ran
    entries = newsroom.tick("log", "--json").json["entries"]
    assert [entry["line"]["id"] for entry in entries] == [ran.json["id"]]


def test_a_lost_reply_makes_no_second_line_and_the_key_gets_the_same_receipt(newsroom: Newsroom, folder: Path) -> None:
    newsroom.desk.start()
    assert newsroom.server.socket is not None
    front = LosesReply(newsroom.server.socket, folder / "front.sock")
    environ = {**newsroom.environ, "TICKER_REDIS_URL": front.url}
    words = ("post", "Heard once", "--key", "heard", "--json", "--no-reach")
    first = run_program("tick", *words, environ=environ)
    front.close()
    assert front.losses == 1
    assert first.code == 0
    assert newsroom.tick(*words).out == first.out
    entries = newsroom.tick("log", "--json").json["entries"]
    assert [entry["key"] for entry in entries] == ["heard"]


def test_the_key_of_what_is_on_air_already_is_told_so_without_a_desk(newsroom: Newsroom) -> None:
    """The first one's answer was never heard; the second has no desk to hear it from again."""
    newsroom.desk.start()
    words = ("post", "On air", "--key", "heard", "--json", "--no-reach", "--wait", "0.5")
    first = newsroom.tick(*words)
    newsroom.desk.kill()
    assert newsroom.tick(*words).out == first.out
    other = newsroom.tick("post", "Not on air", "--key", "new", "--json", "--no-reach", "--wait", "0.5")
    assert (other.code, other.json["errors"][0]["code"]) == (4, "no-desk")


def test_nothing_is_claimed_of_what_was_sent_before_with_the_same_key(newsroom: Newsroom) -> None:
    """It waits still, and a desk may take it: only of the second one it is certain that none will."""
    first = newsroom.begin("post", "Waits", "--key", "twice", "--wait", "25")
    newsroom.until_submitted()
    first.kill()
    first.communicate()
    second = newsroom.tick("post", "Waits", "--key", "twice", "--wait", "0.3")
    assert second.code == 4
    assert "an earlier request with this key may be on air, or may still be published" in second.err
    newsroom.desk.start()
    until(lambda: newsroom.tick("log", "--json").json["entries"], "the first one comes on air")


def test_what_was_sent_and_never_answered_is_not_claimed_to_be_certain(newsroom: Newsroom) -> None:
    process = newsroom.begin("post", "Nobody knows", "--json", "--wait", "1")
    newsroom.until_submitted()
    newsroom.server.kill()
    ran = finished(process)
    newsroom.server.start()
    assert ran.code == 4
    assert [finding["code"] for finding in json.loads(ran.out)["errors"]] == ["unconfirmed"]
    assert "may be on air all the same" in ran.out


def test_ctrl_c_after_it_was_sent_says_that_it_may_be_on_air(newsroom: Newsroom) -> None:
    process = newsroom.begin("post", "Interrupted", "--wait", "20", "--key", "stop")
    newsroom.until_submitted()
    process.send_signal(signal.SIGINT)
    ran = finished(process)
    assert ran.code == 130
    assert "NOT ON AIR  en  interrupted" in ran.err
    assert "may be on air all the same" in ran.err
    assert "--key stop" in ran.err
    assert "Traceback" not in ran.err


def test_of_two_who_change_the_same_version_one_is_refused(newsroom: Newsroom) -> None:
    newsroom.desk.start()
    line_id = newsroom.tick("post", "First", "--json").json["id"]
    newsroom.desk.kill()
    changes = [
        newsroom.begin("update", line_id, "Second", "--editor", name, "--wait", "20") for name in ("omar", "lina")
    ]
    for name in ("omar", "lina"):
        newsroom.until_submitted(name)
    newsroom.desk.start()
    ended = sorted(finished(change) for change in changes)
    assert [ran.code for ran in ended] == [0, 3]
    assert "is not the latest: look at version 2" in ended[1].err


def test_a_redis_that_hangs_is_given_up(newsroom: Newsroom) -> None:
    newsroom.server.pause()
    try:
        ran = newsroom.tick("post", "Hanging", "-e", "en", "--wait", "0.5")
    finally:
        newsroom.server.resume()
    assert ran.code == 4
    assert "NOT ON AIR" in ran.err
    assert "doesn't answer in time" in ran.err
