"""Find a Redis 7.0 for the tests, or unpack one: `.venv/bin/python -m scripts.redis70`.

7.0 is the oldest version that Ticker supports, and its parser for access rules is stricter than later ones. The script
uses `redis-server` on PATH if that is a 7.0. Otherwise it unpacks the package of `apt-get` into the environment. It
installs nothing and starts no service. It needs root only if apt-get lacks package lists.

It prints one line with the result. The exit status is 0, or 1 if that fails.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.commands import START_S, Wanted, find_or_unpack, run
from scripts.debian import unpack, write_start

FOLDER = Path(sys.prefix) / "redis70"
# redis-tools has the program under another name, and redis-server has a link to it.
PACKAGES = ("redis-server", "redis-tools")

_VERSION = re.compile(r"\bv=7\.0\.\d+\b")


def find_redis70() -> Path | None:
    """Return a `redis-server` 7.0 that starts, or None. Unpack nothing."""
    return next((path for path in _candidates() if _is_70(path)), None)


def find_redis_cli() -> Path | None:
    """Return a `redis-cli` on PATH, or that of the unpacked package, or None. Unpack nothing."""
    if found := shutil.which("redis-cli"):
        return Path(found)
    program = "usr/bin/redis-cli"
    if not (FOLDER / program).exists():
        return None
    write_start(FOLDER, "redis-cli", program)
    return FOLDER / "redis-cli"


def _candidates() -> Iterator[Path]:
    if found := shutil.which("redis-server"):
        yield Path(found)
    yield FOLDER / "redis-server"


def _is_70(path: Path) -> bool:
    try:
        return _VERSION.search(run([path, "--version"], START_S)) is not None
    except RuntimeError:
        return False


def _unpack() -> None:
    """Unpack the system's package into the environment."""
    unpack(PACKAGES, FOLDER)
    write_start(FOLDER, "redis-server", "usr/bin/redis-server")


def main() -> int:
    """Find or unpack a Redis 7.0, and print the result."""
    remedy = "Put a redis-server 7.0 on PATH. Without it, some tests fail."
    return 0 if find_or_unpack(Wanted("Redis 7.0", find_redis70, _unpack, "the system's package", remedy)) else 1


if __name__ == "__main__":
    sys.exit(main())
