"""Install packages of Debian, or unpack them into a folder. Shared by the scripts that fetch programs for the tests.

Unpacking installs nothing and starts no service. It needs root only if apt-get lacks package lists.
"""

import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scripts.commands import run

UPDATE_S = 120
INSTALL_S = 600
PACKAGE_S = 300

# In containers, apt-get keeps no cache of the package lists. Without one, each command takes two seconds longer.
CACHE = Path(sys.prefix) / "apt-get"
CACHED = tuple(f"-oDir::Cache::{name}={CACHE / name}.bin" for name in ("pkgcache", "srcpkgcache"))

_apt_get = partial(run, DEBIAN_FRONTEND="noninteractive")


def install(packages: Sequence[str]) -> None:
    """Install packages and their dependencies, as root.

    Raises:
        RuntimeError: If that fails. The message has the reason.

    """
    if shutil.which("apt-get") is None:
        raise RuntimeError("the system has no apt-get")
    if os.geteuid() != 0:
        raise RuntimeError("apt-get needs root")
    _update()
    _apt_get(["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages], INSTALL_S)


def unpack(packages: Sequence[str], folder: Path, alone: Sequence[str] = ()) -> None:
    """Replace `folder` by the content of these packages and of the libraries that the system lacks for them.

    The packages in `alone` are unpacked without what they need.

    Raises:
        RuntimeError: If that fails. The message has the reason.

    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise RuntimeError("the system has no apt-get")
    missing = _missing(packages)
    if not missing:
        if os.geteuid() != 0:
            raise RuntimeError("apt-get has no package lists, and needs root to get them")
        _update()
        missing = _missing(packages)
    downloads = folder / "packages"
    shutil.rmtree(folder, ignore_errors=True)
    downloads.mkdir(parents=True)
    # Run by root, apt-get downloads as another user. That user can't write here, so apt-get warns and uses root.
    _apt_get(["apt-get", *CACHED, "download", *dict.fromkeys([*packages, *missing, *alone])], PACKAGE_S, downloads)
    for package in sorted(downloads.glob("*.deb")):
        run(["dpkg-deb", "--extract", package, folder], PACKAGE_S)
    shutil.rmtree(downloads)


def write_start(folder: Path, name: str, program: str) -> None:
    """Write the script `folder/name`. It starts an unpacked `program` with the unpacked libraries."""
    libraries = sorted({str(path.parent) for path in folder.glob("usr/lib/**/*.so*")})
    start = folder / name
    start.write_text(
        f"#!/bin/sh\nLD_LIBRARY_PATH='{':'.join(libraries)}' exec '{folder / program}' \"$@\"\n", encoding="utf-8"
    )
    start.chmod(0o755)


def _update() -> None:
    """Get the package lists, unless another process has just done it: `make test` runs several of these scripts."""
    asked_at = time.time()
    with (Path(sys.prefix) / "package-lists").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # apt-get fails if another one gets the lists
        if os.fstat(held.fileno()).st_mtime > asked_at:
            return
        _apt_get(["apt-get", "update", "--quiet"], UPDATE_S)
        os.utime(held.fileno())


def _missing(packages: Sequence[str]) -> list[str]:
    """Return the packages that apt-get would install, including missing libraries. Empty if it knows no such package.

    This takes seconds.
    """
    CACHE.mkdir(exist_ok=True)
    simulate = ["apt-get", *CACHED, "install", "--simulate", "--quiet", "--no-install-recommends", *packages]
    try:
        return re.findall(r"^Inst (\S+)", _apt_get(simulate, PACKAGE_S), re.MULTILINE)
    except RuntimeError:
        return []
