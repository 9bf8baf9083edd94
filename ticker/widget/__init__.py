"""The widget: `ticker.js`, one ES module, and the style sheet of its ready themes.

What is kept in the repository is what people read; what is served is the same without comments, so that explaining
costs a reader's phone nothing. There is no build step: the text is made once, when it is first asked for.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from functools import cache
from hashlib import sha256, sha384
from importlib.resources import files
from itertools import count
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

_DECLARES = frozenset(("const", "let", "function"))
_BEFORE_MEMBER = frozenset(("{", "}", ";", "get", "set", "static", "async"))

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

    Those are private names (`#…`), which nobody outside a class can see, and the variables and functions that it
    declares and doesn't export (see `_own_names`). Every other token stays as it is written.
    A line end that may end a statement stays: one after a word. After a mark it can be missed only where a semicolon
    is missing, and then the module is no module any more, which every test of it notices.
    """
    parts = [""]
    tokens = list(_TOKEN.finditer(source))
    short = _short_names([token for token in tokens if token.lastgroup not in ("comment", "space")])
    between = ""
    for token in tokens:
        kind, text = token.lastgroup, token.group()
        if kind in ("comment", "space"):
            between = "\n" if "\n" in text or between == "\n" else " "
            continue
        text = _compact_style(text) if kind == "style" else short.get(text, text)
        if between and _is_needed(between, parts[-1][-1:], text[0]):
            parts.append(between)
        parts.append(text)
        between = ""
    return "".join(parts).strip() + "\n"


def _is_needed(between: str, before: str, after: str) -> bool:
    if before + after in ("++", "--"):
        return True
    is_word_before = before.isalnum() or before in "_$"
    return is_word_before and (between == "\n" or after.isalnum() or after in "_$#")


def _short_names(tokens: list[re.Match[str]]) -> dict[str, str]:
    """New names for a module's private and own names, the shortest for those that come most often."""
    counts = Counter(token.group() for token in tokens if token.lastgroup == "name")
    private = [name for name in counts if name.startswith("#")]
    own = _own_names(tokens)
    short = {}
    for names, mark, taken in ((private, "#", set[str]()), (own, "", set(counts))):
        free = (name for number in count() if (name := _short_name(number)) not in taken)
        short |= {name: mark + next(free) for name in sorted(names, key=lambda name: -counts[name])}
    return short


def _own_names(tokens: list[re.Match[str]]) -> list[str]:
    """The variables and functions that a module declares, doesn't export, and whose names nothing else has in it.

    Scopes aren't told apart: a name that is anywhere a property, a key, a method, or part of a template stays. In doubt
    it stays.
    """
    texts = [token.group() for token in tokens]
    own, others = dict[str, None](), set[str]()
    for at, token in enumerate(tokens):
        text, before, after = token.group(), texts[max(0, at - 2) : at], texts[at + 1 : at + 4]
        last, following = "".join(before[-1:]), "".join(after[:1])
        if token.lastgroup == "text" and text.startswith("`"):
            others.update(re.findall(r"\w+", text))
        if token.lastgroup != "name":
            continue
        is_property = last == "." and before[:1] != ["."]
        is_key = last in ("{", ",") and following in ("}", ",", ":", "=")  # or in a list: that can't be told here
        is_member = last in _BEFORE_MEMBER and following in ("(", "=", ";")
        if is_property or is_key or is_member or before[:1] == ["export"]:
            others.add(text)
        elif last in _DECLARES or after[:2] == ["=", ">"] or (last == "(" and after == [")", "=", ">"]):
            own[text] = None
    return [name for name in own if name not in others and len(name) > 1]


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
