"""The widget's files: the element's module, its source map, and the style sheet of the ready themes.

People edit `src/`. Browsers load `dist/ticker.js`, or `dist/ticker-private.js` for private editions. `make widget`
bundles and minifies both with esbuild and terser. They are committed, so that running needs no Node; a test rebuilds
the bundles and compares them byte by byte.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

THEMES: Final = ("newsroom", "broadsheet", "bulletin", "terminal")
"""The ready themes in `themes.css`, the default first."""


@cache
def module(name: str = "ticker") -> bytes:
    """Return the element's module, minified. That of `ticker-private` can show private editions, too."""
    return (files(__name__) / "dist" / f"{name}.js").read_bytes()


@cache
def source_map(name: str = "ticker") -> bytes:
    """Return the source map of a module, which contains its sources."""
    return (files(__name__) / "dist" / f"{name}.js.map").read_bytes()


def compressed(content: bytes) -> dict[str, bytes]:
    """Return the copies of a built file that the build compressed, by content coding: "br" and "gzip", or none.

    Their names have a hash of the file's content, so a copy of another build is never served.
    """
    copies = {}
    for coding, suffix in (("br", "br"), ("gzip", "gz")):
        copy = files(__name__) / "dist" / f"{sha256(content).hexdigest()[:16]}.{suffix}"
        if copy.is_file():
            copies[coding] = copy.read_bytes()
    return copies


@cache
def themes() -> bytes:
    """Return the style sheet of the ready themes."""
    return (files(__name__) / "themes.css").read_bytes()


def earlier_modules() -> dict[str, bytes]:
    """Return the modules of earlier releases by the name of the release.

    Pages that pinned one with `integrity` can go on loading it. To keep a release, put its module into
    `released/<name>.js`.
    """
    folder = files(__name__) / "released"
    if not folder.is_dir():
        return {}
    return {file.name.removesuffix(".js"): file.read_bytes() for file in folder.iterdir() if file.name.endswith(".js")}
