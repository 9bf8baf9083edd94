"""Files under `/widget/`: the element for every page, and the files of our own pages.

Each file has two addresses. `/widget/{name}` is the newest version, which clients revalidate. The content of
`/widget/{release}/{name}` never changes, so it is cached for good and can be pinned with `integrity`.

Files are compressed once: the element when it is built, with Brotli and with gzip, which takes seconds; other files
with gzip when the server starts.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256, sha384
from importlib.resources import files
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ticker import widget
from ticker.gateway.admission import Refusal
from ticker.web.content_coding import choose_coding
from ticker.web.http_cache import cacheable_response
from ticker.web.problems import problem_response

IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATED: Final = "public, max-age=300, stale-while-revalidate=86400"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_STYLES: Final = "text/css; charset=utf-8"
_MODULES: Final = ("ticker", "ticker-private")
_TAIL: Final = "tail.js"
"""The module that both load from their own folder when they poll."""
_PAGES: Final = {
    "pages.css": _STYLES,
    "lines.css": _STYLES,
    "article.css": _STYLES,
    "pages.js": _SCRIPT,
    "builder.js": _SCRIPT,
    "status.css": _STYLES,
    "status.js": _SCRIPT,
    "icon.svg": "image/svg+xml",
    "article.svg": "image/svg+xml",
}
"""The files that our own pages load, with their media types."""
_COMPRESSED_MIN: Final = 1024
"""The smallest file in bytes that is compressed."""


class Asset(msgspec.Struct, frozen=True):
    """A file as it is served.

    Attributes:
        copies: The compressed content by content coding, the smallest first.
        loaded: The content of another file that this one loads from its own folder, if it does.

    """

    content: bytes
    media_type: str
    copies: Mapping[str, bytes] = {}
    loaded: bytes = b""

    @staticmethod
    def compressed(content: bytes, media_type: str) -> Asset:
        """Return an asset with compressed copies."""
        if len(content) < _COMPRESSED_MIN:
            return Asset(content, media_type)
        copies = widget.compressed(content) or {"gzip": gzip.compress(content, 9, mtime=0)}
        return Asset(content, media_type, copies)

    @property
    def integrity(self) -> str:
        """The value of an `integrity` attribute (Subresource Integrity)."""
        return "sha384-" + b64encode(sha384(self.content).digest()).decode()

    def release(self, version: str) -> str:
        """Return the file's name in immutable addresses. It contains a hash, so two contents never share an address."""
        return f"{version}-{sha256(self.content + self.loaded).hexdigest()[:8]}"


class Assets:
    """All files, and the handlers that serve them."""

    def __init__(self, version: str) -> None:
        templates = files("ticker.web") / "templates"
        self._version = version
        contents = {
            **{f"{name}.js": (widget.module(name), _SCRIPT) for name in (*_MODULES, "tail")},
            **{f"{name}.js.map": (widget.source_map(name), "application/json") for name in (*_MODULES, "tail")},
            "themes.css": (widget.themes(), _STYLES),
            **{name: ((templates / name).read_bytes(), media_type) for name, media_type in _PAGES.items()},
        }
        self._newest = {name: Asset.compressed(*content) for name, content in contents.items()}
        tail = self._newest[_TAIL]
        for name in _MODULES:
            self._newest[f"{name}.js"] = msgspec.structs.replace(self._newest[f"{name}.js"], loaded=tail.content)
        self._immutable = {(asset.release(version), name): asset for name, asset in self._newest.items()}
        # A browser resolves the map's relative address against the module's own.
        for name in ("ticker.js", "ticker-private.js", _TAIL):
            self._immutable[self._newest[name].release(version), f"{name}.map"] = self._newest[f"{name}.map"]
            self._immutable[self._newest[name].release(version), _TAIL] = tail
        for release, content in widget.earlier_modules().items():
            self._immutable[release, "ticker.js"] = Asset.compressed(content, _SCRIPT)

    @property
    def module(self) -> Asset:
        """The element's module."""
        return self._newest["ticker.js"]

    def integrity(self, name: str) -> str:
        """Return the value of an `integrity` attribute for a file."""
        return self._newest[name].integrity

    def address(self, name: str) -> str:
        """Return the path of the immutable address of a file."""
        return f"/widget/{self._newest[name].release(self._version)}/{name}"

    async def newest_file(self, request: Request) -> Response:
        """Serve the newest version of a file."""
        return _serve(request, self._newest.get(request.path_params["name"]), REVALIDATED)

    async def immutable_file(self, request: Request) -> Response:
        """Serve one release of a file."""
        release, name = request.path_params["release"], request.path_params["name"]
        if name == _TAIL and (release, name) not in self._immutable and (release, "ticker.js") in self._immutable:
            return _serve(request, self._newest[name], REVALIDATED)  # an earlier module loads the newest one
        return _serve(request, self._immutable.get((release, name)), IMMUTABLE)


def _serve(request: Request, asset: Asset | None, cache_control: str) -> Response:
    if asset is None:
        return problem_response(Refusal(404, "path", "there is no such file, or no such release of it"))
    headers = {
        "Cache-Control": cache_control,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if not asset.copies:
        return cacheable_response(request, asset.content, asset.media_type, headers)
    headers["Vary"] = "Accept-Encoding"
    coding = choose_coding(", ".join(request.headers.getlist("accept-encoding")), tuple(asset.copies))
    if coding is None:
        return cacheable_response(request, asset.content, asset.media_type, headers)
    headers["Content-Encoding"] = coding
    # The entity tag is that of the compressed bytes, so it differs per content coding.
    return cacheable_response(request, asset.copies[coding], asset.media_type, headers)
