"""The browser that the tests drive is found, and a program that only has its name is not one."""

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


def test_none_is_found_where_there_is_none(folder: Path) -> None:
    assert chromium.find_chromium() is None


def test_one_on_path_comes_before_a_downloaded_one(folder: Path) -> None:
    program(folder / "browsers/chromium-1255/chrome-linux64/chrome", 0)
    on_path = program(folder / "google-chrome", 0)
    assert chromium.find_chromium() == on_path


def test_a_downloaded_one_is_found_the_newest_first(folder: Path) -> None:
    program(folder / "browsers/chromium-1254/chrome-linux64/chrome", 0)
    newest = program(folder / "browsers/chromium-1255/chrome-linux64/chrome", 0)
    assert chromium.find_chromium() == newest


def test_one_that_does_not_start_is_passed_over(folder: Path) -> None:
    program(folder / "chromium", 1)
    assert chromium.find_chromium() is None


def test_without_root_or_apt_the_package_is_not_tried(folder: Path) -> None:
    assert chromium._install_package() == "no apt-get here"
