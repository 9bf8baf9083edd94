"""Unpack packages of Debian into a folder, and run commands. Shared by the scripts that fetch programs for the tests.

It installs nothing and starts no service. It needs root only if apt-get lacks package lists.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PACKAGE_S = 300


def unpack(packages: Sequence[str], folder: Path) -> str:
    """Replace `folder` by the content of these packages and of the libraries that the system lacks for them.

    Return the reason of a failure, or an empty string.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "the system has no apt-get"
    folder.parent.mkdir(parents=True, exist_ok=True)
    missing = _missing(packages, folder.parent)  # takes seconds
    if not missing:
        if os.geteuid() != 0:
            return "apt-get has no package lists, and needs root to get them"
        run(["apt-get", "update", "--quiet"], folder.parent)
        missing = _missing(packages, folder.parent)
    downloads = folder / "packages"
    shutil.rmtree(folder, ignore_errors=True)
    downloads.mkdir(parents=True)
    # Run by root, apt-get downloads as another user. That user can't write here, so apt-get warns and uses root.
    needed = dict.fromkeys([*packages, *missing])
    done, output = run(["apt-get", "download", *needed], downloads)
    if not done:
        return output
    for package in sorted(downloads.glob("*.deb")):
        done, output = run(["dpkg-deb", "--extract", str(package), str(folder)], downloads)
        if not done:
            return output
    shutil.rmtree(downloads)
    return ""


def write_start(folder: Path, name: str, program: str) -> None:
    """Write the script `folder/name`. It starts an unpacked `program` with the unpacked libraries."""
    libraries = sorted({str(path.parent) for path in folder.glob("usr/lib/**/*.so*")})
    start = folder / name
    start.write_text(
        f"#!/bin/sh\nLD_LIBRARY_PATH='{':'.join(libraries)}' exec '{folder / program}' \"$@\"\n", encoding="utf-8"
    )
    start.chmod(0o755)


def _missing(packages: Sequence[str], folder: Path) -> list[str]:
    """Return the packages that apt-get would install, including missing libraries."""
    simulate = ["apt-get", "install", "--simulate", "--quiet", "--no-install-recommends", *packages]
    return re.findall(r"^Inst (\S+)", run(simulate, folder)[1], re.MULTILINE)


def run(command: Sequence[str], folder: Path) -> tuple[bool, str]:
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
