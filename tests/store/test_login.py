"""The stored login: in the system's keyring, or in a file that only its user can read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ticker.core.errors import SettingsError
from ticker.store.login import (
    Login,
    delete_login,
    load_last_edition,
    load_login,
    login_file,
    save_last_edition,
    save_login,
    url_of,
)

URL = "redis://maha@news.example:6379"


# keyring is an extra: mypy must give the same result without it.
keyring: Any = import_module("keyring")


class MemoryKeyring(keyring.backend.KeyringBackend):  # type: ignore[misc]
    """A keyring that keeps passwords, or fails if it is `locked`."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.kept[service, username]

    def _check(self) -> None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    before, ours = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"TICKER_CONFIG": str(tmp_path / "config")}


def test_the_password_is_in_the_keyring_and_not_in_the_file(environ: dict[str, str], memory: MemoryKeyring) -> None:
    save_login(environ, URL, "hush", wants_file=False)
    login = load_login(environ)
    assert login == Login(URL, None, in_keyring=True)
    assert b"hush" not in login_file(environ).read_bytes()
    assert url_of(login) == "redis://maha:hush@news.example:6379"


def test_a_logout_deletes_the_password_from_the_keyring(environ: dict[str, str], memory: MemoryKeyring) -> None:
    save_login(environ, URL, "hush", wants_file=False)
    assert memory.kept
    assert delete_login(environ)
    assert not memory.kept
    assert load_login(environ) is None
    assert not delete_login(environ)


def test_a_new_login_replaces_the_one_before_in_the_keyring(environ: dict[str, str], memory: MemoryKeyring) -> None:
    save_login(environ, URL, "hush", wants_file=False)
    save_login(environ, "redis://omar@news.example", "shush", wants_file=False)
    assert list(memory.kept.values()) == ["shush"]


def test_without_a_working_keyring_the_password_is_in_a_private_file(
    environ: dict[str, str], memory: MemoryKeyring
) -> None:
    memory.locked = True
    login = save_login(environ, URL, "hush", wants_file=False)
    assert not login.in_keyring
    assert stat.S_IMODE(login_file(environ).stat().st_mode) == 0o600
    assert url_of(login) == "redis://maha:hush@news.example:6379"
    assert "hush" not in repr(login)


def test_a_file_is_used_if_it_is_wanted(environ: dict[str, str], memory: MemoryKeyring) -> None:
    assert not save_login(environ, URL, "hush", wants_file=True).in_keyring
    assert not memory.kept


def test_a_keyring_without_the_password_is_an_error_with_the_remedy(
    environ: dict[str, str], memory: MemoryKeyring
) -> None:
    login = save_login(environ, URL, "hush", wants_file=False)
    memory.kept.clear()
    with pytest.raises(SettingsError, match="run `tick login` again") as refused:
        url_of(login)
    assert "news.example" in str(refused.value)


def test_a_login_that_others_may_read_is_refused(environ: dict[str, str]) -> None:
    save_login(environ, URL, "hush", wants_file=True)
    login_file(environ).chmod(0o640)
    with pytest.raises(SettingsError, match="other users may read the login"):
        load_login(environ)


def test_a_damaged_login_is_refused_without_its_text(environ: dict[str, str]) -> None:
    save_login(environ, URL, "hush", wants_file=True)
    login_file(environ).write_text('{"url": 3, "password": "hush"}', encoding="utf-8")
    with pytest.raises(SettingsError, match="is damaged") as refused:
        load_login(environ)
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_last_edition_is_remembered(environ: dict[str, str]) -> None:
    assert load_last_edition(environ) is None
    save_last_edition(environ, "ar")
    assert load_last_edition(environ) == "ar"
