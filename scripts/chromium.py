"""Find a Chromium for the browser tests, or install one: `.venv/bin/python scripts/chromium.py`.

The order: one on PATH; one that Playwright keeps; Playwright's download, into the environment; the
system's package, where we are root and the system has `apt-get`. Nothing is written anywhere else.
It prints one line that says what it did, and ends with 0, or with 1 and the remedy.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSERS = Path(sys.prefix) / "browsers"
# Where Playwright puts its downloads for all of a user's projects: used when there, never written.
SHARED_BROWSERS = (
    Path.home() / ".cache" / "ms-playwright",
    Path.home() / "Library" / "Caches" / "ms-playwright",
)
INSIDE = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
# The second has letters of every script that an edition is likely to be in; Chromium brings none.
PACKAGES = ("chromium", "fonts-noto-core")
START_S = 20
DOWNLOAD_S = 240
PACKAGE_S = 900


def find_chromium() -> Path | None:
    """Return the first Chromium here that starts, or None. Installs nothing."""
    return next((path for path in _candidates() if _starts(path)), None)


def _candidates() -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    for folder in (BROWSERS, *SHARED_BROWSERS):
        for pattern in INSIDE:
            # The newest first: the numbers in the folders' names have equal length.
            yield from sorted(folder.glob(pattern), reverse=True)


def _starts(path: Path) -> bool:
    # On some systems `chromium-browser` is a script that only says how to install one.
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _download() -> str:
    """Let Playwright download its Chromium; return why that failed, or an empty string."""
    return _run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        DOWNLOAD_S,
        PLAYWRIGHT_BROWSERS_PATH=str(BROWSERS),
    )


def _install_package() -> str:
    """Install the system's package; return why that failed, or an empty string."""
    if shutil.which("apt-get") is None:
        return "no apt-get here"
    if os.geteuid() != 0:
        return "apt-get needs root"
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *PACKAGES]
    return _run(["apt-get", "update", "--quiet"], PACKAGE_S) or _run(
        install, PACKAGE_S, DEBIAN_FRONTEND="noninteractive"
    )


def _run(command: list[str], limit_s: int, **environment: str) -> str:
    try:
        ran = subprocess.run(
            command,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {limit_s} s"
    if ran.returncode == 0:
        return ""
    said = [line.strip() for line in ran.stdout.splitlines() if line.startswith(("Error", "E:"))]
    return said[0] if said else f"it ended with {ran.returncode}"


def _install() -> tuple[str, str]:
    """Install one; return how, and why each way that was tried failed."""
    print("Chromium: none here, so Playwright downloads one ...", file=sys.stderr)
    no_download = _download()
    if not no_download:
        return "Playwright's download", "the download does not start: libraries are missing"
    print(f"Chromium: no download ({no_download}); the system's package ...", file=sys.stderr)
    no_package = _install_package() or "the package does not start"
    return "the system's package", f"no download ({no_download}), no package ({no_package})"


def main() -> int:
    """Find or install, and say which."""
    if path := find_chromium():
        print(f"Chromium: {path}")
        return 0
    how, why = _install()
    if path := find_chromium():
        print(f"Chromium: {path}, installed just now: {how}")
        return 0
    print(f"Chromium: none: {why}. Install one so that `chromium` is on PATH.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
