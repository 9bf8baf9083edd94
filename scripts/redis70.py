"""Find a Redis 7.0 for the tests, or unpack one: `.venv/bin/python scripts/redis70.py`.

7.0 is the oldest that Ticker runs on, and its access rules are read more strictly than those of later ones. The order:
`redis-server` on PATH, if it is a 7.0; else, on a system with `apt-get` whose package is a 7.0, that package, unpacked
into the environment: nothing is installed, and no service is started. Only the package lists need root, if there are
none yet. It prints one line that says what it did, and ends with 0, or with 1 and the remedy.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(sys.prefix) / "redis70"
# The program itself is in the second package, under another name: the first has a link to it.
PACKAGES = ("redis-server", "redis-tools")
START_S = 20
PACKAGE_S = 300

_VERSION = re.compile(r"\bv=7\.0\.\d+\b")


def find_redis70() -> Path | None:
    """Return a `redis-server` 7.0 that starts, or None. Unpacks nothing."""
    return next((path for path in _candidates() if _is_70(path)), None)


def _candidates() -> Iterator[Path]:
    if found := shutil.which("redis-server"):
        yield Path(found)
    yield FOLDER / "redis-server"


def _is_70(path: Path) -> bool:
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and _VERSION.search(asked.stdout) is not None


def _unpack() -> str:
    """Unpack the system's package into the environment; return why that failed, or an empty string."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "no apt-get here"
    if not _missing():
        if os.geteuid() != 0:
            return "apt-get has no package lists, and making them needs root"
        _run(["apt-get", "update", "--quiet"], FOLDER.parent)
    folder = FOLDER / "packages"
    shutil.rmtree(FOLDER, ignore_errors=True)
    folder.mkdir(parents=True)
    # As root apt-get would download as another user, who may not write here: it says so, and does it as root.
    done, said = _run(["apt-get", "download", *dict.fromkeys([*PACKAGES, *_missing()])], folder)
    if not done:
        return said
    for package in sorted(folder.glob("*.deb")):
        done, said = _run(["dpkg-deb", "--extract", str(package), str(FOLDER)], folder)
        if not done:
            return said
    shutil.rmtree(folder)
    _write_start()
    return ""


def _missing() -> list[str]:
    """Return the packages that an installation would bring: those libraries that aren't there, too."""
    simulate = ["apt-get", "install", "--simulate", "--quiet", "--no-install-recommends", "redis-server"]
    return re.findall(r"^Inst (\S+)", _run(simulate, FOLDER.parent)[1], re.MULTILINE)


def _write_start() -> None:
    """Write the program that starts the unpacked one with the unpacked libraries."""
    libraries = sorted({str(path.parent) for path in FOLDER.glob("usr/lib/**/*.so*")})
    start = FOLDER / "redis-server"
    program = FOLDER / "usr" / "bin" / "redis-server"
    start.write_text(f"#!/bin/sh\nLD_LIBRARY_PATH='{':'.join(libraries)}' exec '{program}' \"$@\"\n", encoding="utf-8")
    start.chmod(0o755)


def _run(command: list[str], folder: Path) -> tuple[bool, str]:
    """Run a command; return whether it succeeded, with what it said, or with the reason why it didn't."""
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
    """Find or unpack, and say which."""
    if path := find_redis70():
        print(f"Redis 7.0: {path}")
        return 0
    print("Redis 7.0: none here, so the system's package is unpacked into the environment ...", file=sys.stderr)
    why = _unpack() or "the system's package is of another version"
    if path := find_redis70():
        print(f"Redis 7.0: {path}, unpacked just now")
        return 0
    print(
        f"Redis 7.0: none: {why}. Put a redis-server 7.0 on PATH; without it, the tests that need it fail.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
