"""Servers of both kinds, with Ticker's users, and ways to be each of them."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError
from redis.retry import Retry

from scripts.redis70 import find_redis70
from tests.support.servers import HOST, RedisServer, short_folder
from tests.support.system import Ran, environment, run_program
from ticker import cli
from ticker.console import Console, run
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.store.acl import Role

EDITORS: Final = ("maha", "omar", "lena")
"""Maha may post to `en` and `ar`, Omar to `en`; Lena is the chief of `en` and an editor of `ar`. The wire, a program,
posts to `en` and reads no log.
"""

WIRE: Final = "wire"

PUBLIC: Final = DEFAULT_EDITIONS["en"]


def run_ticker(*words: str, **variables: str) -> Ran:
    """Run `ticker` to its end, in this process: a process of its own takes ten times as long."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(SystemExit) as ended:
        run(cli.ticker, "ticker", cli._status_of, console=Console(environment(**variables), out, err), args=[*words])
    assert isinstance(ended.value.code, int)
    return Ran(ended.value.code, out.getvalue(), err.getvalue())


class GuardedServer(RedisServer):
    """A server with an `aclfile`, of Redis 7.0 where `redis70` says so, else what the tests use anyway."""

    def __init__(self, folder: Path, *, redis70: bool = False) -> None:
        super().__init__(folder, tcp=True, options={"aclfile": str(folder / "users.acl")})
        self._redis70 = redis70
        self.passwords: dict[str, str] = {}
        (folder / "users.acl").touch()

    def _words(self) -> list[str]:
        words = super()._words()
        if self._redis70:
            found = find_redis70()
            assert found is not None, "there is no Redis 7.0 here: `.venv/bin/python scripts/redis70.py` brings one"
            words[0] = str(found)
        return words

    def url_of(self, user: str) -> str:
        return f"redis://{user}:{self.passwords[user]}@{HOST}:{self.port}"

    def ticker(self, *words: str, user: str | None = None, **variables: str) -> Ran:
        """Run `ticker`, as the open default user or another."""
        return run_ticker(*words, TICKER_REDIS_URL=self.url if user is None else self.url_of(user), **variables)

    def tick(self, *words: str, user: str) -> Ran:
        return run_program("tick", *words, environ=environment(TICKER_REDIS_URL=self.url_of(user)))

    def add_editor(self, name: str, *words: str, user: str | None = None) -> None:
        ran = self.ticker("editor", "add", name, *words, "--json", user=user)
        assert ran.code == 0, ran
        if "password" in ran.json:
            self.passwords[name] = ran.json["password"]

    def make_parts(self) -> None:
        """The users of desk, gateway and admin."""
        ran = self.ticker("acl", "apply", "desk", "gateway", "admin", "--json")
        assert ran.code == 0, ran
        self.passwords |= {user["user"]: user["password"] for user in ran.json["users"] if "password" in user}

    def client(self, user: str) -> redis.Redis:
        return redis.Redis(
            host=HOST,
            port=self.port,
            username=user,
            password=self.passwords[user],
            driver_info=None,
            socket_timeout=60,
            retry=Retry(NoBackoff(), 0),
        )

    def try_as(self, user: str, *words: Any) -> str:
        """`denied`, or what came of it: the command's reply doesn't matter, its being carried out does."""
        with self.client(user) as client:
            try:
                client.execute_command(*words)
            except NoPermissionError:
                return "denied"
            except redis.ResponseError as error:
                # In a script, what is denied is an error of the script; DEBUG and MODULE are switched off for all.
                refused = any(words in str(error) for words in ("ACL failure", "NOPERM", "command not allowed"))
                return "denied" if refused else f"error {error}"
            return "done"


@pytest.fixture(scope="session", params=["Valkey 9", "Redis 7.0"])
def guarded(request: pytest.FixtureRequest) -> Iterator[GuardedServer]:
    """A server with two editions' keys as a desk makes them, and a user of each kind. No part runs on it."""
    with short_folder() as folder, GuardedServer(folder / "r", redis70=request.param == "Redis 7.0") as server:
        version = server.command("INFO", "server")
        assert version["redis_version"].startswith("7.0." if request.param == "Redis 7.0" else "7.2.4"), version
        fill(server, ("en", "ar"))
        server.make_parts()
        server.add_editor("maha", "-e", "en", "-e", "ar")
        server.add_editor("omar", "-e", "en")
        server.add_editor("lena", "-e", "en", "--role", "chief")
        server.add_editor("lena", "-e", "ar")
        server.add_editor(WIRE, "-e", "en", "--post-only", "--role", "chief")
        yield server


def fill(server: RedisServer, editions: Sequence[str], settings: Edition = PUBLIC) -> None:
    """Something in every key that there may be: a command on a key that isn't there proves little."""
    for edition in editions:
        server.command("SADD", "ticker:editions", edition)
        kept = msgspec.json.encode(settings)
        server.command("HSET", f"ticker:{{{edition}}}:edition", "settings", kept, "nonce", "ab" * 32)
        for what in ("log", "log:abababababababab", "reach", "bell"):
            server.command("XADD", f"ticker:{{{edition}}}:{what}", "1-0", "entry", "x", "link", "y")
        for what in ("cursors", "held"):
            server.command("HSET", f"ticker:{{{edition}}}:{what}", "maha", "0-0")
        for editor in (*EDITORS, WIRE):
            for what in ("inbox", "receipts"):
                server.command("XADD", f"ticker:{{{edition}}}:{what}:{editor}", "1-0", "submission", "x")


ROLES: Final = tuple(role.user for role in Role)
