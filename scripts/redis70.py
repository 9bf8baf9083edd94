"""Find a Redis 7.0 for the tests, or unpack one: `.venv/bin/python scripts/redis70.py`.

7.0 is the oldest version that Ticker supports, and its parser for access rules is stricter than later ones. The script
uses `redis-server` on PATH if that is a 7.0. Otherwise it unpacks the package of `apt-get` into the environment. It
installs nothing and starts no service. It needs root only if apt-get lacks package lists.

It prints one line with the result. The exit status is 0, or 1 if that fails.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(sys.prefix) / "redis70"
# redis-tools has the program under another name, and redis-server has a link to it.
PACKAGES = ("redis-server", "redis-tools")
START_S = 20
PACKAGE_S = 300

_VERSION = re.compile(r"\bv=7\.0\.\d+\b")


def find_redis70() -> Path | None:
    """Return a `redis-server` 7.0 that starts, or None. Unpack nothing."""
    return next((path for path in _candidates() if _is_70(path)), None)


def _candidates() -> Iterator[Path]:
    if found := shutil.which("redis-server"):
        yield Path(found)
    yield FOLDER / "redis-server"


def _is_70(path: Path) -> bool:
    try:
        result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0 and _VERSION.search(result.stdout) is not None


def _unpack() -> str:
    """Unpack the system's package into the environment. Return the reason of a failure, or an empty string."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "the system has no apt-get"
    if not _missing():
        if os.geteuid() != 0:
            return "apt-get has no package lists, and needs root to get them"
        _run(["apt-get", "update", "--quiet"], FOLDER.parent)
    folder = FOLDER / "packages"
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder.mkdir(parents=True)
    # Run by root, apt-get downloads as another user. That user can't write here, so apt-get warns and uses root.
    done, output = _run(["apt-get", "download", *dict.fromkeys([*PACKAGES, *_missing()])], folder)
    if not done:
        return output
    for package in sorted(folder.glob("*.deb")):
        done, output = _run(["dpkg-deb", "--extract", str(package), str(FOLDER)], folder)
        if not done:
            return output
    shutil.rmtree(folder)
    _write_start()
    return ""


def _missing() -> list[str]:
    """Return the packages that apt-get would install, including missing libraries."""
    simulate = ["apt-get", "install", "--simulate", "--quiet", "--no-install-recommends", "redis-server"]
    return re.findall(r"^Inst (\S+)", _run(simulate, FOLDER.parent)[1], re.MULTILINE)


def _write_start() -> None:
    """Write a script that starts the unpacked program with the unpacked libraries."""
    libraries = sorted({str(path.parent) for path in FOLDER.glob("usr/lib/**/*.so*")})
    start = FOLDER / "redis-server"
    program = FOLDER / "usr" / "bin" / "redis-server"
    start.write_text(f"#!/bin/sh\nLD_LIBRARY_PATH='{':'.join(libraries)}' exec '{program}' \"$@\"\n", encoding="utf-8")
    start.chmod(0o755)


def _run(command: list[str], folder: Path) -> tuple[bool, str]:
    """Run a command. Return True and its output, or False and the reason of the failure."""
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PACKAGE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"{command[0]} took more than {PACKAGE_S} s"
    if ran.returncode == 0:
        return True, ran.stdout
    errors = [line.strip() for line in ran.stdout.splitlines() if line.startswith("E:")]
    return False, errors[0] if errors else f"{command[0]} ended with {ran.returncode}"


def main() -> int:
    """Find or unpack a Redis 7.0, and print the result."""
    if path := find_redis70():
        print(f"Redis 7.0: {path}")
        return 0
    print("Redis 7.0: not found, unpacking the system's package ...", file=sys.stderr)
    why = _unpack() or "the system's package has another version"
    if path := find_redis70():
        print(f"Redis 7.0: {path}, just unpacked")
        return 0
    print(
        f"Redis 7.0: not found: {why}. Put a redis-server 7.0 on PATH. Without it, some tests fail.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
