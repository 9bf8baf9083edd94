"""Remove each protection once, on a copy of the tree, and check that the test named beside it fails.

    make broken                   every protection; takes about six minutes
    make broken ONLY=pong         the protections whose name contains "pong"

`protections/*.toml` lists them. When you change the code of a protection, change its row, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.broken.protection import load_protections, result_without


def main(words: Sequence[str]) -> int:
    chosen = [each for each in load_protections() if all(word in each.name for word in words)]
    unseen = 0
    for each in chosen:
        result = result_without(each)
        print(f"{result}  {each.name}  ({each.seen_by})", flush=True)  # noqa: T201 -- a script
        unseen += result != "seen"
    print(f"{len(chosen) - unseen} of {len(chosen)} are seen by a test")  # noqa: T201
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
