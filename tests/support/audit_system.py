"""A system with a public and a test edition, for `tick audit` and `tick reach`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.support.servers import short_folder
from tests.support.system import System

SETTINGS: Final = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"
second_person = ["flash", "reporter"]
zone = "Asia/Tokyo"
[editions.ar]
title = "أخبار عاجلة"
lang = "ar"
dir = "rtl"
[editions.rehearsal]
title = "Rehearsal"
lang = "en"
dir = "ltr"
test = true
"""


@contextmanager
def audit_system() -> Iterator[System]:
    """Start a system with a public and a test edition. In `en`, cleo is a chief and rana a reporter."""
    with short_folder() as folder:
        (folder / "ticker.toml").write_text(SETTINGS, encoding="utf-8")
        with System(folder, "--settings", str(folder / "ticker.toml")) as running:
            for name, role in (("cleo", "chief"), ("rana", "reporter")):
                assert running.ticker("editor", "add", name, "-e", "en", "--role", role).code == 0
            yield running


def tick_json(system: System, *words: str, editor: str = "maha", code: int = 0) -> Any:
    """Run `tick` with `--json`, check its exit code, and return the document."""
    ran = system.tick(*words, "--json", "--no-reach", editor=editor)
    assert ran.code == code, ran
    return ran.json
