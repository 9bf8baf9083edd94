"""Find the three browser engines for the tests, or install them: `.venv/bin/python -m scripts.engines`.

The script tries, for each engine, in this order: a browser on PATH; a browser that Playwright has downloaded; a new
download by Playwright, into the environment; the system's package, if we are root and the system has `apt-get`.

It prints one line per engine. The exit status is 0, or 1 if one of them is still missing. `python -m scripts.engines
firefox` looks only for that one.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.commands import run, starts
from scripts.debian import install

BROWSERS = Path(sys.prefix) / "browsers"
# Playwright's downloads for all projects of the user. We only read these folders.
SHARED_BROWSERS = (
    Path.home() / ".cache" / "ms-playwright",
    Path.home() / "Library" / "Caches" / "ms-playwright",
)
DOWNLOAD_S = 240


@dataclass(frozen=True)
class Engine:
    """A browser engine, and where to find it."""

    name: str
    """Playwright's name."""
    title: str
    programs: tuple[str, ...]
    """The names on PATH of browsers with this engine, or of a driver that starts one."""
    downloads: tuple[str, ...]
    """Patterns of the program inside a folder of Playwright's downloads."""
    packages: tuple[str, ...]
    """Debian's packages."""
    option: str = "--version"
    """An option with which the programs on PATH only print something and end."""
    needs: tuple[str, ...] = ()
    """Other programs that the package's browser needs on PATH, such as a display."""


@dataclass(frozen=True)
class Found:
    """A browser that starts."""

    engine: Engine
    path: Path
    is_playwrights: bool
    """Whether it is Playwright's own build. It speaks a protocol of Playwright's, and the others a standard one."""


# Browsers come without fonts. fonts-noto-core covers the scripts of all likely editions.
FONTS = "fonts-noto-core"
CHROMIUM = Engine(
    "chromium",
    "Chromium",
    ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    ("chromium", FONTS),
)
FIREFOX = Engine(
    "firefox",
    "Firefox",
    ("firefox-esr", "firefox"),
    ("firefox-*/firefox/firefox", "firefox-*/firefox/*.app/Contents/MacOS/firefox"),
    ("firefox-esr", FONTS),
)
WEBKIT = Engine(
    "webkit",
    "WebKit",
    ("WebKitWebDriver",),
    ("webkit-*/pw_run.sh",),
    ("webkit2gtk-driver", "xvfb", FONTS),
    option="--help",  # the driver lacks an option for its version
    needs=("Xvfb",),
)
ENGINES = (CHROMIUM, FIREFOX, WEBKIT)


def find_engine(engine: Engine) -> Found | None:
    """Return the first browser of an engine that starts, or None. Install nothing."""
    return next((found for found in _candidates(engine) if _starts(found)), None)


def need_engine(engine: Engine) -> Found:
    """Return a browser of an engine.

    Raises:
        RuntimeError: If this machine lacks the browser, with the remedy.

    """
    found = find_engine(engine)
    if found is None:
        raise RuntimeError(f"there is no {engine.title}: `make engines` finds or installs one")
    return found


def _starts(found: Found) -> bool:
    # Without --headless, Playwright's WebKit needs a display even for its version.
    return starts(found.path, *(("--headless", "--version") if found.is_playwrights else (found.engine.option,)))


def _candidates(engine: Engine) -> Iterator[Found]:
    if all(map(shutil.which, engine.needs)):
        for name in engine.programs:
            # On some systems `chromium-browser` or `firefox` is a script that only prints how to install it.
            if program := shutil.which(name):
                yield Found(engine, Path(program), is_playwrights=False)
    for folder in (BROWSERS, *SHARED_BROWSERS):
        for pattern in engine.downloads:
            # The newest first. The numbers in the folder names have equal length.
            for path in sorted(folder.glob(pattern), reverse=True):
                yield Found(engine, path, is_playwrights=True)


def _download(engine: Engine) -> None:
    """Let Playwright download its build of the engine into the environment."""
    command = [sys.executable, "-m", "playwright", "install", engine.name]
    run(command, DOWNLOAD_S, PLAYWRIGHT_BROWSERS_PATH=str(BROWSERS))


def _install_package(engine: Engine) -> None:
    """Install the system's package."""
    install(engine.packages)


def _install(engine: Engine) -> tuple[Found | None, str]:
    """Install an engine. Return it and how, or None and the reasons of all failures."""
    failures = []
    for how, act in (("Playwright's download", _download), ("the system's package", _install_package)):
        print(f"{engine.title}: not found, trying {how} ...", file=sys.stderr)
        try:
            act(engine)
        except RuntimeError as error:
            failures.append(f"{how} failed ({error})")
            continue
        if found := find_engine(engine):
            return found, how
        failures.append(f"{how} doesn't start (libraries may be missing)")
    return None, ", and ".join(failures)


def find_or_install(engine: Engine) -> bool:
    """Find or install an engine, and print the result. Return whether it is there."""
    if found := find_engine(engine):
        print(f"{engine.title}: {found.path}")
        return True
    found, how = _install(engine)
    if found:
        print(f"{engine.title}: {found.path}, just installed by {how}")
        return True
    print(
        f"{engine.title}: not found: {how}. Install it so that `{engine.programs[0]}` is on PATH: on Debian and "
        f"Ubuntu, as root, `apt-get install {' '.join(engine.packages)}`.",
        file=sys.stderr,
    )
    return False


def main(names: list[str]) -> int:
    """Find or install the engines with these names, or all."""
    wanted = [engine for engine in ENGINES if not names or engine.name in names]
    results = [find_or_install(engine) for engine in wanted]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
