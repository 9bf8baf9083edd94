"""scripts/engines.py finds browsers that start."""

from pathlib import Path

import pytest

from scripts import debian, engines
from scripts.commands import run
from scripts.engines import CHROMIUM, FIREFOX, WEBKIT, Found, find_engine, need_engine
from tests.support.waiting import until


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engines, "BROWSERS", tmp_path / "browsers")
    monkeypatch.setattr(engines, "SHARED_BROWSERS", ())
    return tmp_path


def program(path: Path, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_no_browser_is_found_if_none_is_installed(folder: Path) -> None:
    assert [find_engine(engine) for engine in engines.ENGINES] == [None, None, None]


def test_a_browser_on_path_is_preferred_to_a_download(folder: Path) -> None:
    program(folder / "browsers/chromium-1255/chrome-linux64/chrome")
    on_path = program(folder / "google-chrome")
    assert find_engine(CHROMIUM) == Found(CHROMIUM, on_path, is_playwrights=False)


def test_the_newest_download_is_preferred(folder: Path) -> None:
    program(folder / "browsers/firefox-1571/firefox/firefox")
    newest = program(folder / "browsers/firefox-1572/firefox/firefox")
    assert find_engine(FIREFOX) == Found(FIREFOX, newest, is_playwrights=True)


def test_a_browser_that_does_not_start_is_skipped(folder: Path) -> None:
    program(folder / "chromium", 1)
    assert find_engine(CHROMIUM) is None


def test_driver_of_webkit_counts_only_with_the_display_that_it_needs(folder: Path) -> None:
    driver = program(folder / "WebKitWebDriver")
    assert find_engine(WEBKIT) is None
    program(folder / "Xvfb")
    assert find_engine(WEBKIT) == Found(WEBKIT, driver, is_playwrights=False)


def test_a_missing_engine_is_a_failure_with_a_remedy(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="there is no WebKit: `make engines` finds or installs one"):
        need_engine(WEBKIT)


def test_command_names_the_packages_of_an_engine_that_it_can_not_install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        engines, "_download", lambda engine: run(["/bin/sh", "-c", "echo Error: no network; exit 1"], 9)
    )
    assert engines.main(["firefox"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Firefox: not found: Playwright's download failed (Error: no network), and the system's package failed "
        "(the system has no apt-get). Install it so that `firefox-esr` is on PATH: on Debian and Ubuntu, as root, "
        "`apt-get install firefox-esr fonts-noto-core`."
    )


def test_command_prints_one_line_per_engine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("chromium", "firefox", "WebKitWebDriver", "Xvfb"):
        program(folder / name)
    assert engines.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"Chromium: {folder}/chromium",
        f"Firefox: {folder}/firefox",
        f"WebKit: {folder}/WebKitWebDriver",
    ]


def test_a_download_that_works_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "browsers/webkit-2388/pw_run.sh"
    monkeypatch.setattr(engines, "_download", lambda engine: program(path))
    assert engines.main(["webkit"]) == 0
    assert capsys.readouterr().out == f"WebKit: {path}, just installed by Playwright's download\n"


def test_without_apt_get_no_package_is_installed(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="the system has no apt-get"):
        debian.install(["chromium"])


def test_command_that_takes_too_long_ends_with_the_processes_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    # The shell waits for its child, which has the output open, too.
    command = ["/bin/sh", "-c", f"tail -f /dev/null & echo $! > {pid}; wait"]
    with pytest.raises(RuntimeError, match=r"^sh took more than 0.5 s$"):
        run(command, 0.5)
    stat = Path("/proc", pid.read_text(encoding="ascii").strip(), "stat")
    until(lambda: not stat.exists() or stat.read_text(encoding="ascii").split()[2] == "Z", "the child ended")
