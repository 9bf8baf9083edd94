"""The Lua scripts that lie beside this module: what has to happen in one step happens in one of them."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def script(name: str) -> str:
    """The text of a script."""
    return resources.files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
