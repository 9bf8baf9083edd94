"""Escape text, so that it can't control the terminal or the line that it is printed in.

Some texts come from outside: a gateway's name, a field in a receipt, an error of a server. A terminal obeys control
characters in what it prints: they move the cursor, hide text, and write the clipboard (OSC 52).
"""

from __future__ import annotations

import re
from typing import Final

# Controls (C0, DEL, C1), line and paragraph separators, bidirectional embeddings and overrides, deprecated and
# interlinear format characters, and lone surrogates. Isolates are handled separately, because balanced ones are useful.
_UNSAFE: Final = "\x00-\x1f\x7f-\x9f\u2028-\u202e\u206a-\u206f\ufff9-\ufffb\ud800-\udfff"
_ISOLATES: Final = "\u2066-\u2069"
_POP_ISOLATE: Final = "\u2069"
UNSAFE: Final = f"[{_UNSAFE}]"
"""A regular expression for one character that can control a terminal. It doesn't include isolates."""

_NAMED: Final = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def escape(text: str) -> str:
    r"""Return the text as one line that is safe to print: `\x1b` in place of an escape character.

    Balanced isolates stay, because they only keep a name's direction apart. Unbalanced ones are escaped, too.
    """
    if text.isprintable():  # false for every character below, and for isolates
        return text
    unsafe = _UNSAFE if _is_balanced(text) else _UNSAFE + _ISOLATES
    return re.sub(f"[{unsafe}]", _escaped, text)


def escape_json(document: str, *, ascii_only: bool = False) -> str:
    r"""Return a JSON document on one line that is safe to print, with the same meaning.

    JSON already escapes C0 controls in strings. The others become `\u009b`. With `ascii_only`, all characters outside
    ASCII are escaped.
    """
    if document.isascii() and document.isprintable():
        return document
    # Outside of strings, the only control characters of JSON are white space.
    document = re.sub("[\t\n\r]", " ", document)
    return re.sub("[^ -~]" if ascii_only else f"[{_UNSAFE}{_ISOLATES}]", _escaped_in_json, document)


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    return _NAMED.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _escaped_in_json(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[start : start + 2].hex()}" for start in range(0, len(units), 2))


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in re.findall(f"[{_ISOLATES}]", text):
        depth += -1 if character == _POP_ISOLATE else 1
        if depth < 0:
            return False
    return depth == 0
