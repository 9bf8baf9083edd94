"""How a static host has to serve the files: the header file of Netlify and Cloudflare Pages, and a part for nginx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ticker.mirror.plan import INDEX

HEADERS_FILE: Final = "_headers"
NGINX_FILE: Final = "_nginx.conf"

Rules = Mapping[str, Mapping[str, str]]
"""The headers by pattern: the address of one file, or, with `*` at its end, of all files that begin so."""


def pattern_of(path: str) -> str:
    """Return the pattern that a file belongs to. All pages of lines, for example, have one."""
    parts = path.split("/")
    if parts[0] == "widget" and len(parts) > 2:
        return f"/{parts[0]}/{parts[1]}/*"
    if len(parts) > 3 and parts[1] in {"lines", "stories"}:
        return f"/{parts[0]}/{parts[1]}/*"
    return "/" + path.removesuffix(INDEX).rstrip("/")


def headers_file(rules: Rules) -> bytes:
    """Return `_headers`, which Netlify and Cloudflare Pages read."""
    blocks = (
        f"{pattern}\n" + "".join(f"  {name}: {value}\n" for name, value in headers.items())
        for pattern, headers in sorted(rules.items())
    )
    return "\n".join(blocks).encode()


def nginx_file(rules: Rules) -> bytes:
    """Return the locations of a `server` of nginx. Include the file there, below `root`."""
    blocks = ["location ~ /[._] { return 404; }\n"]
    for pattern, headers in sorted(rules.items()):
        place = f"^~ {pattern[:-1]}" if pattern.endswith("*") else f"= {pattern}"
        kind, _, parameters = headers.get("Content-Type", "application/octet-stream").partition(";")
        lines = [f"location {place} {{", "    types { }", f"    default_type {kind};"]
        lines += [
            f"    add_header {name} {_quoted(value)};" for name, value in headers.items() if name != "Content-Type"
        ]
        lines += ["    charset utf-8;", "    charset_types *;"] if "utf-8" in parameters else []
        lines += [f"    try_files $uri $uri/{INDEX} =404;", "}"]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks).encode()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
