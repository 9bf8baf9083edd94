"""Find a Chromium for the browser tests, or install one: `.venv/bin/python scripts/chromium.py`.

The script tries, in this order: a browser on PATH; a browser that Playwright has downloaded; a new download by
Playwright, into the environment; the system's package, if we are root and the system has `apt-get`.

It prints one line with the result. The exit status is 0, or 1 if that fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSERS = Path(sys.prefix) / "browsers"
# Playwright's downloads for all projects of the user. We only read these folders.
SHARED_BROWSERS = (
    Path.home() / ".cache" / "ms-playwright",
    Path.home() / "Library" / "Caches" / "ms-playwright",
)
INSIDE = ("chromium-*/chrome-linux*/chrome", "chromium-*/chrome-mac*/*.app/Contents/MacOS/*")
# Chromium comes without fonts. fonts-noto-core covers the scripts of all likely editions.
PACKAGES = ("chromium", "fonts-noto-core")
START_S = 20
DOWNLOAD_S = 240
PACKAGE_S = 900


def find_chromium() -> Path | None:
    """Return the first Chromium that starts, or None. Install nothing."""
    return next((path for path in _candidates() if _starts(path)), None)


def _candidates() -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    for folder in (BROWSERS, *SHARED_BROWSERS):
        for pattern in INSIDE:
            # The newest first. The numbers in the folder names have equal length.
            yield from sorted(folder.glob(pattern), reverse=True)


def _starts(path: Path) -> bool:
    # On some systems `chromium-browser` is a script that only prints how to install it.
    try:
        result = subprocess.run([path, "--version"], capture_output=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _download() -> str:
    """Let Playwright download its Chromium. Return the reason of a failure, or an empty string."""
    return _run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        DOWNLOAD_S,
        PLAYWRIGHT_BROWSERS_PATH=str(BROWSERS),
    )


def _install_package() -> str:
    """Install the system's package. Return the reason of a failure, or an empty string."""
    if shutil.which("apt-get") is None:
        return "the system has no apt-get"
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
    errors = [line.strip() for line in ran.stdout.splitlines() if line.startswith(("Error", "E:"))]
    return errors[0] if errors else f"{command[0]} ended with {ran.returncode}"


def _install() -> tuple[str, str]:
    """Install a Chromium. Return how, and the reasons of all failures."""
    print("Chromium: not found, downloading it with Playwright ...", file=sys.stderr)
    no_download = _download()
    if not no_download:
        return "Playwright's download", "the download does not start: libraries are missing"
    print(f"Chromium: the download failed ({no_download}), installing the system's package ...", file=sys.stderr)
    no_package = _install_package() or "the package does not start"
    return "the system's package", f"the download failed ({no_download}), and so did the package ({no_package})"


def main() -> int:
    """Find or install a Chromium, and print the result."""
    if path := find_chromium():
        print(f"Chromium: {path}")
        return 0
    how, why = _install()
    if path := find_chromium():
        print(f"Chromium: {path}, just installed by {how}")
        return 0
    print(f"Chromium: not found: {why}. Install it so that `chromium` is on PATH.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
