from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import WAIT_S
from ticker.core.errors import StoreError
from ticker.store import data_folder
from ticker.store.data_folder import default_data_folder, embedded_url, redis_url, socket_path, socket_url


def test_an_invalid_address_file_is_rejected(tmp_path: Path) -> None:
    data_folder.address_file(tmp_path).write_text("redis://elsewhere", encoding="utf-8")
    with pytest.raises(StoreError, match="doesn't contain the address"):
        embedded_url(tmp_path)


def test_the_environment_chooses_the_data_folder(tmp_path: Path) -> None:
    assert default_data_folder({"TICKER_DATA": str(tmp_path)}) == tmp_path
    assert default_data_folder({"TICKER_DATA": "~/t"}) == Path.home() / "t"
    assert default_data_folder({}).name == "ticker"


def test_finding_the_address_does_not_import_the_redis_client() -> None:
    script = "import sys, ticker.store.data_folder; sys.exit('redis' in sys.modules or 'platformdirs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=WAIT_S).returncode == 0


def test_a_written_address_is_read_back(tmp_path: Path) -> None:
    socket = tmp_path / "a folder" / "redis.sock"
    data_folder.write_address(tmp_path, socket)
    assert embedded_url(tmp_path) == socket_url(socket)
    assert socket_path(embedded_url(tmp_path)) == socket


def test_redis_url_prefers_the_environment_to_the_embedded_server(tmp_path: Path) -> None:
    data_folder.write_address(tmp_path, tmp_path / "redis.sock")
    assert redis_url({"TICKER_REDIS_URL": "redis://h"}, tmp_path) == "redis://h"
    assert redis_url({}, tmp_path) == embedded_url(tmp_path)


def test_gateway_url_is_none_without_a_valid_file(tmp_path: Path) -> None:
    assert data_folder.gateway_url(tmp_path) is None
    data_folder.write_gateway_address(tmp_path, "http://127.0.0.1:8080")
    assert data_folder.gateway_url(tmp_path) == "http://127.0.0.1:8080"
    data_folder.gateway_file(tmp_path).write_text("nonsense", encoding="utf-8")
    assert data_folder.gateway_url(tmp_path) is None


def test_a_socket_folder_is_private_and_is_kept_if_it_has_other_files() -> None:
    folder = data_folder.make_socket_folder()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    data_folder.socket_in(folder).touch()
    other = folder / "other"
    other.touch()
    data_folder.remove_socket_folder(folder)
    assert other.exists()
    other.unlink()
    data_folder.remove_socket_folder(folder)
    assert not folder.exists()
