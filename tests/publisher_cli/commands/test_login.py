"""`tick login` and `tick logout`, and which Redis the other commands use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from publisher_cli.session import Session
from tests.support.servers import RedisServer, short_folder
from tests.support.system import Ran, System, environment, run_program
from tests.support.terminal import Terminal
from tests.support.waiting import until
from ticker.console import Console
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.errors import SettingsError
from ticker.store.data_folder import write_address
from ticker.store.login import save_login

PASSWORD = "hush-hush-hush"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """A server with the user `maha` and the edition `ar`."""
    with short_folder() as folder, RedisServer(folder, tcp=True) as running:
        running.command("ACL", "SETUSER", "maha", "on", f">{PASSWORD}", "~*", "&*", "+@all")
        settings = msgspec.json.encode(DEFAULT_EDITIONS["ar"])
        running.command("SADD", "ticker:editions", "ar")
        running.command("HSET", "ticker:{ar}:edition", "settings", settings, "nonce", "ab" * 32)
        yield running


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user without any login."""
    return environment(TICKER_CONFIG=str(tmp_path / "config"), HOME=str(tmp_path))


def url_of(server: RedisServer) -> str:
    return f"redis://maha@127.0.0.1:{server.port}"


def tick(environ: dict[str, str], *words: str, **variables: str) -> Ran:
    return run_program("tick", *words, environ={**environ, **variables})


def test_after_a_login_every_command_uses_its_redis(server: RedisServer, environ: dict[str, str]) -> None:
    ran = tick(environ, "login", url_of(server), "--file", TICKER_REDIS_PASSWORD=PASSWORD)
    assert ran.code == 0, ran
    assert ran.out.startswith(f"logged in to redis://***@127.0.0.1:{server.port} as maha: ar\n")
    assert PASSWORD not in ran.out + ran.err
    assert [each["name"] for each in tick(environ, "editions", "--json").json["editions"]] == ["ar"]
    assert tick(environ, "logout").out == "logged out\n"
    assert "or log in to the Redis of your newsroom with `tick login`" in tick(environ, "editions").err


@pytest.mark.parametrize(
    ("variables", "source"),
    [({"TICKER_REDIS_PASSWORD": "wrong"}, "in TICKER_REDIS_PASSWORD"), ({}, "in the URL")],
)
def test_wrong_password_is_named_by_its_source(
    server: RedisServer, environ: dict[str, str], variables: dict[str, str], source: str
) -> None:
    url = url_of(server) if variables else url_of(server).replace("maha@", "maha:wrong@")
    ran = tick(environ, "login", url, **variables)
    assert ran.code == 4
    assert f"rejects the password {source} for the user maha, or has no such user: check both" in ran.err
    assert "wrong" not in ran.err


def test_wrong_password_that_was_typed_is_named_as_typed(server: RedisServer, environ: dict[str, str]) -> None:
    terminal = Terminal("tick", "login", url_of(server), "--file", environ=environ, columns=300)
    until(lambda: "Password of maha: " in terminal.seen, "the question")
    terminal.type("wrong\n")
    assert terminal.wait() == 4
    assert "rejects the password that you typed for the user maha" in terminal.seen
    assert "TICKER_" not in terminal.seen


def test_the_password_is_asked_for_on_a_terminal_and_not_shown(server: RedisServer, environ: dict[str, str]) -> None:
    terminal = Terminal("tick", "login", url_of(server), "--file", environ=environ)
    until(lambda: "Password of maha: " in terminal.seen, "the question")
    terminal.type(f"{PASSWORD}\n")
    assert terminal.wait() == 0
    assert "logged in to" in terminal.seen
    assert PASSWORD not in terminal.seen


def test_error_about_a_stored_login_names_the_login(server: RedisServer, environ: dict[str, str]) -> None:
    save_login(environ, url_of(server), "changed-since", wants_file=True)
    ran = tick(environ, "editions")
    assert ran.err.endswith("rejects the password of the user maha, or has no such user: run `tick login` again\n"), ran
    save_login(environ, "redis://maha@127.0.0.1:1", PASSWORD, wants_file=True)
    assert tick(environ, "editions").err.endswith("or check the URL of your `tick login`\n")


def test_a_wrong_password_is_not_stored(server: RedisServer, environ: dict[str, str]) -> None:
    ran = tick(environ, "login", url_of(server), "--file", TICKER_REDIS_PASSWORD="wrong")
    assert ran.code == 4
    assert "password" in ran.err
    assert tick(environ, "logout").out == "you were not logged in\n"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis://news.example", "names no user"),
        ("news.example", "no known scheme"),
        ("redis://maha@news.example", "no terminal to ask for the password"),
    ],
)
def test_a_login_that_cannot_work_is_refused(url: str, why: str, environ: dict[str, str]) -> None:
    ran = tick(environ, "login", url)
    assert ran.code == 2
    assert why in ran.err


def test_a_data_folder_on_the_command_line_wins_over_the_environment(system: System, environ: dict[str, str]) -> None:
    ran = tick(environ, "editions", "--data", str(system.data), TICKER_REDIS_URL="redis://127.0.0.1:1")
    assert ran.code == 0, ran


def test_the_environment_wins_over_the_login(tmp_path: Path) -> None:
    environ = {"TICKER_CONFIG": str(tmp_path), "TICKER_REDIS_URL": "redis://omar@127.0.0.1"}
    save_login(environ, "redis://maha@news.example", PASSWORD, wants_file=True)
    assert Session.find(Console(environ), None).url == "redis://omar@127.0.0.1"
    del environ["TICKER_REDIS_URL"]
    assert Session.find(Console(environ), None).url == f"redis://maha:{PASSWORD}@news.example"


def test_a_login_beside_a_local_system_is_not_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: tmp_path / "share" / name)
    environ = {"TICKER_CONFIG": str(tmp_path)}
    save_login(environ, "redis://maha@news.example", PASSWORD, wants_file=True)
    local = tmp_path / "share" / "ticker"
    local.mkdir(parents=True)
    write_address(local, Path("/nowhere/redis.sock"))
    with pytest.raises(SettingsError, match="but `ticker up` runs here, too") as refused:
        Session.find(Console(environ), None)
    assert PASSWORD not in str(refused.value)
    assert Session.find(Console(environ), local).url == "unix:///nowhere/redis.sock"


def test_a_command_without_a_login_does_not_import_the_keyring(environ: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "publisher_cli", "board", "-e", "en"],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "publisher_cli.session" in done.stderr
    assert "keyring" not in done.stderr.replace("ticker.store", "")
