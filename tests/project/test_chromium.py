"""scripts/chromium.py finds a browser that starts."""

from pathlib import Path

import pytest

from scripts import chromium


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "BROWSERS", tmp_path / "browsers")
    monkeypatch.setattr(chromium, "SHARED_BROWSERS", ())
    return tmp_path


def program(path: Path, status: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_no_browser_is_found_if_none_is_installed(folder: Path) -> None:
    assert chromium.find_chromium() is None


def test_a_browser_on_path_is_preferred_to_a_download(folder: Path) -> None:
    program(folder / "browsers/chromium-1255/chrome-linux64/chrome", 0)
    on_path = program(folder / "google-chrome", 0)
    assert chromium.find_chromium() == on_path


def test_the_newest_download_is_preferred(folder: Path) -> None:
    program(folder / "browsers/chromium-1254/chrome-linux64/chrome", 0)
    newest = program(folder / "browsers/chromium-1255/chrome-linux64/chrome", 0)
    assert chromium.find_chromium() == newest


def test_a_browser_that_does_not_start_is_skipped(folder: Path) -> None:
    program(folder / "chromium", 1)
    assert chromium.find_chromium() is None


def test_without_apt_get_no_package_is_installed(folder: Path) -> None:
    assert chromium._install_package() == "the system has no apt-get"
