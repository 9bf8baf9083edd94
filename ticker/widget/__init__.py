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
from string import ascii_letters
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
_RESERVED = frozenset(("as", "do", "if", "in", "is", "of"))
_BEFORE_CONDITION = frozenset(("if", "for", "while", "switch"))

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
    """A module without its comments, without blanks and marks that mean nothing, and with short names for its own.

    The marks are commas and semicolons before a closing bracket. Its own are private names (`#…`), which nobody outside
    a class can see, and the variables and functions that it declares and doesn't export (see `_own_names`). `const`
    becomes `let`. Every other token stays as it is written.
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
        if text == "const":
            text = "let"
        if _is_idle(parts[-2:], text):
            parts.pop()
        if between and _is_needed(between, parts[-1][-1:], text[0]):
            parts.append(between)
        parts.append(text)
        between = ""
    return "".join(parts).strip() + "\n"


def _is_idle(before: list[str], text: str) -> bool:
    """Whether the last mark means nothing before `text`.

    A semicolon that is a loop's whole body does; without it the module is no module any more.
    """
    if before[-1] == ";":
        return text == "}"
    return before[-1] == "," and text in (")", "]", "}") and before[0] not in (",", "[")


def _is_needed(between: str, before: str, after: str) -> bool:
    if before + after in ("++", "--"):
        return True
    is_word_before = before.isalnum() or before in "_$"
    return is_word_before and (between == "\n" or after.isalnum() or after in "_$#")


def _short_names(tokens: list[re.Match[str]]) -> dict[str, str]:
    """New names for a module's private and own names, the shortest for those that come most often."""
    counts = Counter(token.group() for token in tokens if token.lastgroup == "name")
    # What stands in a template isn't looked into: a name that is used in one stays.
    templates = "".join(token.group() for token in tokens if token.lastgroup == "text" and token.group()[0] == "`")
    kept = set(re.findall(r"#?\w+", templates))
    private = [name for name in counts if name.startswith("#") and name not in kept]
    own = [name for name in _own_names(tokens) if name not in kept]
    short: dict[str, str] = {}
    for names, mark, taken in ((private, "#", frozenset[str]()), (own, "", _RESERVED.union(counts))):
        free = (name for number in count() if (name := _short_name(number)) not in taken)
        short |= {name: mark + next(free) for name in sorted(names, key=lambda name: -counts[name])}
    return short


def _own_names(tokens: list[re.Match[str]]) -> list[str]:
    """The variables, parameters and functions that a module declares, doesn't export, and whose names nothing else has.

    Scopes aren't told apart: a name that is anywhere a property, a key or a member stays. In doubt it stays.
    """
    texts = [token.group() for token in tokens]
    own, others = dict[str, None](), set[str]()
    for at, (token, place) in enumerate(zip(tokens, _places(texts), strict=True)):
        text, before, after = token.group(), texts[max(0, at - 2) : at], texts[at + 1 : at + 3]
        last, following = "".join(before[-1:]), "".join(after[:1])
        if token.lastgroup != "name":
            continue
        is_property = last == "." and before[:1] != ["."]
        is_key = place == "{" and last in ("{", ",") and following in ("}", ",", ":", "=")
        is_member = place == "class" and following in ("(", "=", ";")
        if is_property or is_key or is_member or before[:1] == ["export"]:
            others.add(text)
        elif last in _DECLARES or after == ["=", ">"] or (place == "parameters" and last in ("(", ",", ".")):
            own[text] = None
    return [name for name in own if name not in others and len(name) > 1]


def _places(texts: list[str]) -> list[str]:
    """What each token stands in: `class` (its body), `parameters`, another `{`, `(` or `[`, or nothing."""
    closed: dict[int, int] = {}
    opened = [-1]
    inside = []
    for at, text in enumerate(texts):
        if text in (")", "]", "}"):
            closed[opened.pop()] = at
        inside.append(opened[-1])
        if text in ("(", "[", "{"):
            opened.append(at)
    places = {-1: ""}
    for opening, closing in closed.items():
        text, before, after = texts[opening], texts[max(0, opening - 4) : opening], texts[closing + 1 : closing + 3]
        if text == "{" and ("class" in before[-2:] or before[:1] == ["class"]):
            text = "class"
        elif text == "(" and (after == ["=", ">"] or (after[:1] == ["{"] and before[-1] not in _BEFORE_CONDITION)):
            text = "parameters"
        places[opening] = text
    return [places[opening] for opening in inside]


def _short_name(number: int) -> str:
    rest, last = divmod(number, len(ascii_letters))
    return (_short_name(rest - 1) if rest else "") + ascii_letters[last]


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
