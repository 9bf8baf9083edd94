"""Lua scripts, for changes that must happen in one atomic step. Their files are beside this module."""

from __future__ import annotations

from functools import cache


@cache
def script(name: str) -> str:
    """Return the text of a script."""
    from importlib import resources  # noqa: PLC0415 -- slow to import, and `tick post` needs no script

    return resources.files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
