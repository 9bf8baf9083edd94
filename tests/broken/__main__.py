"""Remove each protection once, on a copy of the tree, and check that the test named beside it fails.

    make broken                   all of them: about six minutes
    make broken ONLY=pong         those whose name contains "pong"

`protections/*.toml` lists them. A row is stale once its code has changed: change the row, too.
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
    print(f"{len(chosen) - unseen} of {len(chosen)} were seen")  # noqa: T201
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
