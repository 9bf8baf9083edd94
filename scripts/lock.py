"""Pin everything, with hashes: `make lock`, or `make lock ARGS=--upgrade` for the newest that fits.

Reads pyproject.toml and writes requirements/*.txt: one set of pins for every system and Python that
we support. They name no place to load from, so they hold wherever the packages come from. What is
pinned already stays, where pyproject.toml still admits it.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = "# Made by `make lock` from pyproject.toml: {what}. Do not edit.\n"
COMPILE = [
    str(Path(sys.executable).with_name("uv")),
    *("pip", "compile", "--quiet", "--no-config", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--no-header", "--no-annotate"),
    *("--no-emit-index-url", "--no-emit-find-links"),
]


def lock(name: str, what: str, *options: str) -> None:
    """Write requirements/<name>.txt. Raises CalledProcessError when there is no solution."""
    path = f"requirements/{name}.txt"
    command = [*COMPILE, "--output-file", path, *options, *sys.argv[1:]]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    written = ROOT / path
    written.write_text(HEADER.format(what=what) + written.read_text(encoding="utf-8"), encoding="utf-8")


def main() -> int:
    """Lock all three: what runs first, because what tests it may not differ."""
    try:
        lock("run", "what running takes", "pyproject.toml")
        lock("build", "what building takes", "--group", "build", "-c", "requirements/run.txt")
        same = ("-c", "requirements/run.txt", "-c", "requirements/build.txt")
        lock("dev", "what testing takes", "pyproject.toml", "--group", "dev", *same)
    except subprocess.CalledProcessError as error:
        print(f"no lock: uv ended with {error.returncode}, see above", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
