"""The widget: `ticker.js`, one ES module, and the style sheet of its ready themes.

What is kept in the repository is what people read; what is served is the same without comments, so that explaining
costs a reader's phone nothing. There is no build step: the text is made once, when it is first asked for.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from typing import Final

import msgspec

# The tokens of JavaScript, as far as taking away what lies between them needs them told apart. A regular expression is
# known by what stands before it; one after `)` or a name would be read as divisions (the tests compare token by token).
_TOKEN = re.compile(
    r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<style> `\n:host\b[^`]*` )
  | (?P<text> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `(?:[^`\\]|\\.)*`
      | (?<=[(,=:!&|?]) (?:(?<=[(,=:!&|?])|\ ) /(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\]|\\.)*\])+/ [a-z]* )
  | (?P<space> \s+ )
  | (?P<name> [\w$\#]+ )
  | (?P<mark> . )
    """,
    re.DOTALL | re.VERBOSE,
)

_CONSTANT = re.compile(r"^const ([A-Z][A-Z_]+) =", re.MULTILINE)

THEMES: Final = ("newsroom", "broadsheet", "bulletin", "terminal")
"""The ready themes in `themes.css`, the default first."""


class Asset(msgspec.Struct, frozen=True):
    """A file as it is served."""

    content: bytes
    media_type: str

    @property
    def etag(self) -> str:
        return f'"{sha256(self.content).hexdigest()[:32]}"'

    @property
    def integrity(self) -> str:
        """For the attribute of that name (Subresource Integrity)."""
        return "sha384-" + b64encode(sha384(self.content).digest()).decode()

    def release(self, version: str) -> str:
        """Its name in immutable addresses: two contents never share one, whatever their version says."""
        return f"{version}-{sha256(self.content).hexdigest()[:8]}"


def compact(source: str) -> str:
    """A module without its comments, without the blanks that mean nothing, and with short names for what is its own.

    Those are private names (`#…`), which nobody outside a class can see, and the constants at the module's top, which
    are in capitals. Every other token stays as it is written.
    A line end that may end a statement stays: one after a word. After a mark it can be missed only where a semicolon
    is missing, and then the module is no module any more, which every test of it notices.
    """
    parts = [""]
    # What stands in a template isn't looked into: a constant that is named in one keeps its name.
    templates = " ".join(token.group() for token in _TOKEN.finditer(source) if token.lastgroup == "text")
    constants = set(_CONSTANT.findall(source)) - set(re.findall(r"\w+", templates))
    short: dict[str, str] = {}
    between = ""
    for token in _TOKEN.finditer(source):
        kind, text = token.lastgroup, token.group()
        if kind in ("comment", "space"):
            between = "\n" if "\n" in text or between == "\n" else " "
            continue
        if between and _is_needed(between, parts[-1][-1:], text[0]):
            parts.append(between)
        if kind == "style":
            text = _compact_style(text)
        elif kind == "name" and (text.startswith("#") or text in constants):
            text = short.setdefault(text, f"{'#' if text.startswith('#') else '$'}{_short_name(len(short))}")
        parts.append(text)
        between = ""
    return "".join(parts).strip() + "\n"


def _is_needed(between: str, before: str, after: str) -> bool:
    if before + after in ("++", "--"):
        return True
    is_word_before = before.isalnum() or before in "_$"
    return is_word_before and (between == "\n" or after.isalnum() or after in "_$#")


def _short_name(number: int) -> str:
    rest, last = divmod(number, 26)
    return (_short_name(rest - 1) if rest else "") + chr(ord("a") + last)


def _compact_style(style: str) -> str:
    style = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    style = re.sub(r"\s+", " ", style)
    return re.sub(r" ?([{};,]) ?", r"\1", style).replace(": ", ":").replace(";}", "}")


@cache
def module() -> Asset:
    """The element's module."""
    source = (files(__name__) / "ticker.js").read_text(encoding="utf-8")
    return Asset(compact(source).encode(), "text/javascript; charset=utf-8")


@cache
def themes() -> Asset:
    """The style sheet of the ready themes."""
    return Asset((files(__name__) / "themes.css").read_bytes(), "text/css; charset=utf-8")


def earlier_releases() -> dict[str, Asset]:
    """The modules of earlier releases by their names: whoever pinned one with `integrity` goes on being served.

    A release is kept by putting what `module()` gave then into `released/<name>.js`.
    """
    folder = files(__name__) / "released"
    if not folder.is_dir():
        return {}
    return {
        each.name.removesuffix(".js"): Asset(each.read_bytes(), "text/javascript; charset=utf-8")
        for each in folder.iterdir()
        if each.name.endswith(".js")
    }
