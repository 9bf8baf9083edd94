"""Lua scripts, for changes that must happen in one atomic step. Their files are beside this module."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def script(name: str) -> str:
    """Return the text of a script."""
    return resources.files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
