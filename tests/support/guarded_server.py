"""A Redis server with Ticker's users and their access rights."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from scripts.redis70 import find_redis70
from tests.support.servers import HOST, RedisServer
from tests.support.system import Program, Ran, environment, run_program
from tests.support.waiting import WAIT_S
from ticker import cli
from ticker.console import Console, run
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.store.rights import Part

EDITORS: Final = ("maha", "omar", "lena")
"""Maha may post to `en` and `ar`, Omar to `en`. Lena is the chief of `en` and an editor of `ar`."""

WIRE: Final = "wire"
"""A program that may post to `en` and read no log."""

PUBLIC: Final = DEFAULT_EDITIONS["en"]


def run_ticker(*words: str, **variables: str) -> Ran:
    """Run `ticker` in this process, which is ten times as fast as a process of its own."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        run(cli.ticker, "ticker", cli._status_of, console=Console(environment(**variables), out, err), args=[*words])
    assert isinstance(ended.value.code, int)
    return Ran(ended.value.code, out.getvalue(), err.getvalue())


class GuardedServer(RedisServer):
    """A server with an `aclfile`: Redis 7.0 with `redis70`, otherwise the server of all other tests."""

    def __init__(self, folder: Path, *, redis70: bool = False) -> None:
        super().__init__(folder, tcp=True, options={"aclfile": str(folder / "users.acl")})
        self._redis70 = redis70
        self.passwords: dict[str, str] = {}
        (folder / "users.acl").touch()

    def _words(self) -> list[str]:
        words = super()._words()
        if self._redis70:
            found = find_redis70()
            assert found is not None, "Redis 7.0 is missing: run `make redis70`"
            words[0] = str(found)
        return words

    def url_of(self, user: str) -> str:
        return f"redis://{user}:{self.passwords[user]}@{HOST}:{self.port}"

    def ticker(self, *words: str, user: str | None = None, **variables: str) -> Ran:
        """Run `ticker` as `user`, or else as the default user, which has all rights."""
        return run_ticker(*words, TICKER_REDIS_URL=self.url if user is None else self.url_of(user), **variables)

    def tick(self, *words: str, user: str) -> Ran:
        return run_program("tick", *words, environ=environment(TICKER_REDIS_URL=self.url_of(user)))

    def add_editor(self, name: str, *words: str, user: str | None = None) -> None:
        ran = self.ticker("editor", "add", name, *words, "--json", user=user)
        assert ran.code == 0, ran
        if "password" in ran.json:
            self.passwords[name] = ran.json["password"]

    def add_part_users(self) -> None:
        """Create the users of all parts."""
        ran = self.ticker("acl", "apply", "desk", "gateway", "relay", "api", "admin", "--json")
        assert ran.code == 0, ran
        self.passwords |= {user["user"]: user["password"] for user in ran.json["users"] if "password" in user}

    def client(self, user: str) -> redis.Redis:
        return redis.Redis(
            host=HOST,
            port=self.port,
            username=user,
            password=self.passwords[user],
            driver_info=None,
            socket_timeout=WAIT_S,
            retry=Retry(NoBackoff(), 0),
        )

    def try_as(self, user: str, *words: Any) -> str:
        """Run a command as a user. Return "denied", "done", or the error of a command that was allowed."""
        with self.client(user) as client:
            try:
                client.execute_command(*words)
            except NoPermissionError:
                return "denied"
            except redis.ResponseError as error:
                # A denied command in a script is an error of the script. DEBUG and MODULE are disabled for every user.
                refused = any(words in str(error) for words in ("ACL failure", "NOPERM", "command not allowed"))
                return "denied" if refused else f"error {error}"
            return "done"


def fill(server: RedisServer, editions: Sequence[str], settings: Edition = PUBLIC) -> None:
    """Put a value into every key, because a command on a missing key proves little."""
    for edition in editions:
        server.command("SADD", "ticker:editions", edition)
        encoded = msgspec.json.encode(settings)
        server.command("HSET", f"ticker:{{{edition}}}:edition", "settings", encoded, "nonce", "ab" * 32)
        for what in ("log", "log:abababababababab", "reach", "relays", "bell"):
            server.command("XADD", f"ticker:{{{edition}}}:{what}", "1-0", "entry", "x", "link", "y")
        for what in ("cursors", "held"):
            server.command("HSET", f"ticker:{{{edition}}}:{what}", "maha", "0-0")
        for editor in (*EDITORS, WIRE):
            for what in ("inbox", "receipts"):
                server.command("XADD", f"ticker:{{{edition}}}:{what}:{editor}", "1-0", "submission", "x")


ROLES: Final = tuple(part.user for part in Part)

SETTINGS = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"
second_person = ["flash", "reporter"]
[editions.ar]
title = "أخبار عاجلة"
lang = "ar"
dir = "rtl"
"""


class GuardedSystem:
    """A desk, a gateway and the posting part, each with its own Redis user. `ran` has the results of all commands."""

    def __init__(self, server: GuardedServer, folder: Path) -> None:
        self.server = server
        server.add_part_users()
        (folder / "ticker.toml").write_text(SETTINGS, encoding="utf-8")
        settings = {"TICKER_SUBMISSION_DEADLINE_S": "5", "TICKER_SETTINGS": str(folder / "ticker.toml")}
        self.desk = self._program(folder, "ticker-desk", "desk", "--editions", "en,ar", **settings)
        self.gateway = self._program(folder, "ticker-gateway", "gateway", "--port", "0", **settings)
        self.api = self._program(folder, "ticker-api", "api", "--port", "0", **settings)
        self.ran: list[Ran] = []

    def _program(self, folder: Path, user: str, *words: str, **variables: str) -> Program:
        # The password is in a file of its own, as in operating.md.
        path = folder / user
        path.write_text(self.server.passwords[user], encoding="ascii")
        url = f"redis://{user}@{HOST}:{self.server.port}"
        environ = environment(TICKER_REDIS_URL=url, TICKER_REDIS_PASSWORD_FILE=str(path), **variables)
        return Program(words, environ, folder / f"{user}.log")

    def tick(self, *words: str, user: str = "maha") -> Ran:
        ran = self.server.tick(*words, user=user)
        self.ran.append(ran)
        return ran

    def denied(self) -> list[str]:
        """Return the commands that Redis denied, with their users."""
        log: list[dict[str, Any]] = self.server.command("ACL", "LOG")
        return [f"{entry['username']} {entry['reason']} {entry['object']}" for entry in log]
