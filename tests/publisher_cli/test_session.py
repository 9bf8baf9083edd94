"""The editor's name and the description of the client."""

from __future__ import annotations

import re

import pytest

from publisher_cli.session import Session, as_name, origin
from ticker.core.errors import SettingsError


def session(url: str) -> Session:
    return Session(url)


@pytest.mark.parametrize(
    ("login", "name"),
    [
        ("maha", "maha"),
        ("Maria.López", "maria-l-pez"),
        ("9lives", "editor-9lives"),
        ("", "editor"),
        ("x" * 99, "x" * 32),
    ],
)
def test_login_name_becomes_a_valid_name(login: str, name: str) -> None:
    assert as_name(login) == name


def test_given_name_wins_over_the_redis_user() -> None:
    assert session("redis://omar:secret@localhost").editor("maha") == "maha"
    assert session("redis://omar:secret@localhost").editor(None) == "omar"


def test_default_redis_user_is_not_an_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "huda")
    assert session("redis://default:secret@localhost").editor(None) == "huda"


def test_invalid_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="is not a name"):
        session("redis://localhost").editor("Ma ha")


def test_origin_is_short_and_ascii() -> None:
    assert re.fullmatch(r"tick [0-9.]+ on [A-Za-z0-9._?-]{1,64}", origin())
