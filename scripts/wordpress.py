"""Find the WordPress for the tests, or unpack it: `.venv/bin/python -m scripts.wordpress`.

A test of `docs/recipes.md` runs a real WordPress with PHP and MariaDB. The script unpacks them from the packages of
`apt-get` into the environment. It installs nothing and starts no service. It needs root only if apt-get lacks package
lists.

It prints one line with the result. The exit status is 0, or 1 if that fails.
"""

import sys
from pathlib import Path
from typing import Final

from scripts.debian import unpack, write_start

FOLDER: Final = Path(sys.prefix) / "wordpress"
SITE: Final = FOLDER / "usr" / "share" / "wordpress"
PROGRAMS: Final = ("php-cli", "php-mysql", "mariadb-server-core")
# Without the packages that they need, such as a web server: PHP's own server is enough for a test.
CONTENT: Final = ("wordpress", "wordpress-theme-twentytwentythree")
CONFIGURATION: Final = "<?php require getenv( 'WORDPRESS_CONFIG' );\n"


def is_unpacked() -> bool:
    """Return whether the site, PHP and MariaDB are there."""
    return all((FOLDER / name).exists() for name in ("php", "mariadbd")) and (SITE / "index.php").exists()


def _unpack() -> None:
    """Unpack the system's packages into the environment.

    Raises:
        RuntimeError: With the reason, if that fails.

    """
    unpack(PROGRAMS, FOLDER, alone=CONTENT)
    programs = sorted(path.name for path in (FOLDER / "usr" / "bin").glob("php[0-9]*"))
    if not programs:
        raise RuntimeError("the system's package has no PHP")
    write_start(FOLDER, "php", f"usr/bin/{programs[-1]}")
    write_start(FOLDER, "mariadbd", "usr/sbin/mariadbd")
    (SITE / "wp-config.php").write_text(CONFIGURATION, encoding="utf-8")


def main() -> int:
    """Find or unpack WordPress, and print the result."""
    why = ""
    if not is_unpacked():
        print("WordPress: not found, unpacking the system's packages ...", file=sys.stderr)
        try:
            _unpack()
        except RuntimeError as error:
            why = str(error)
    if is_unpacked():
        print(f"WordPress: {SITE}")
        return 0
    print(f"WordPress: not found: {why}. It needs a system with apt-get. Without it, a test fails.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
