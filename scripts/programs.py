"""Find the programs of the system that tests run, or unpack them: `python -m scripts.programs`.

The tests run completion in zsh and fish, check the units in `deploy/systemd/`, and run nginx, Caddy and HAProxy with
the files in `deploy/proxy/`, and Varnish with that in `deploy/cdn/`. Prometheus scrapes a system and evaluates the
rules of `deploy/prometheus/`, and its promtool (beside it) checks them. The tests run a recipe of `docs/posting.md`
with curl, and pages in Chromium's headless shell. The script uses the programs on PATH. It unpacks those that are
missing from the packages of `apt-get` into the environment. It installs nothing and starts no service. It needs root
only if apt-get lacks package lists.

It prints one line per program. The exit status is 0, or 1 if one of them is still missing.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from scripts.commands import Wanted, find_or_unpack, starts
from scripts.debian import unpack, write_start

FOLDER = Path(sys.prefix) / "programs"
# Chromium without its window: the same engine, and half of the time. Without it, the tests run in Chromium.
HEADLESS_SHELL = "chromium-headless-shell"
# The packages, the program in them, and its option for its version. Only the static zsh works from another folder.
PACKAGES = {
    "zsh": (("zsh-static", "zsh-common"), "bin/zsh-static", "--version"),
    "fish": (("fish", "fish-common"), "usr/bin/fish", "--version"),
    "systemd-analyze": (("systemd",), "usr/bin/systemd-analyze", "--version"),
    "nginx": (("nginx",), "usr/sbin/nginx", "-v"),
    "caddy": (("caddy",), "usr/bin/caddy", "version"),
    "haproxy": (("haproxy",), "usr/sbin/haproxy", "-v"),
    "prometheus": (("prometheus",), "usr/bin/prometheus", "--version"),
    "varnishd": (("varnish",), "usr/sbin/varnishd", "-V"),
    "curl": (("curl",), "usr/bin/curl", "--version"),
    "ip": (("iproute2",), "bin/ip", "-Version"),
    HEADLESS_SHELL: ((HEADLESS_SHELL, "chromium-common"), f"usr/lib/chromium/{HEADLESS_SHELL}", "--version"),
}
# Debian's proxies are here, and PATH may lack this folder for users other than root.
SYSTEM = "/usr/sbin"


def find_program(name: str) -> Path | None:
    """Return the program that starts, or None. Unpack nothing."""
    return next((path for path in _candidates(name) if starts(path, PACKAGES[name][2])), None)


def _candidates(name: str) -> Iterator[Path]:
    if found := shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), SYSTEM))):
        yield Path(found)
    yield FOLDER / name / name


def _unpack(name: str) -> None:
    """Unpack the system's packages into the environment."""
    packages, program, _ = PACKAGES[name]
    folder = FOLDER / name
    unpack(packages, folder)
    write_start(folder, name, program)
    start = folder / name
    if name == "zsh":
        functions = [path for path in sorted(folder.glob("usr/share/zsh/functions/**/")) if path.is_dir()]
        search = f"FPATH='{':'.join(map(str, functions))}'\nexport FPATH\n"
        start.write_text(start.read_text(encoding="utf-8").replace("\n", f"\n{search}", 1), encoding="utf-8")
    if name == "prometheus":
        write_start(folder, "promtool", "usr/bin/promtool")
    if name == "varnishd":
        (modules,) = folder.glob("usr/lib/**/vmods/")
        # Varnish finds its modules only in the system's folder. It refuses `-V` together with other options.
        search = f'test "$1" = -V || set -- "$@" -p vmod_path=\'{modules}\'\n'
        start.write_text(start.read_text(encoding="utf-8").replace("\n", f"\n{search}", 1), encoding="utf-8")
    if name == "fish":
        # fish finds its functions beside itself only if its configuration is there, too.
        (folder / "usr" / "etc").symlink_to("../etc")


def _wanted(name: str) -> Wanted:
    without = "take longer" if name == HEADLESS_SHELL else "fail"
    remedy = f"Install {name}. Without it, some tests {without}."
    return Wanted(name, partial(find_program, name), partial(_unpack, name), "the system's package", remedy)


def main() -> int:
    """Find or unpack all programs, and print the results."""
    found = [find_or_unpack(_wanted(name)) for name in PACKAGES]
    return 0 if all(found) else 1


if __name__ == "__main__":
    sys.exit(main())
