"""Files under `/widget/`: the element for every page, and what our own pages load.

Each file has two addresses. `/widget/{name}` is the newest version, which clients revalidate. The content of
`/widget/{release}/{name}` never changes, so it is cached for good and can be pinned with `integrity`.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256, sha384
from importlib.resources import files
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ticker import widget
from ticker.web.http_cache import cacheable_response

IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATED: Final = "public, max-age=300, stale-while-revalidate=86400"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_STYLES: Final = "text/css; charset=utf-8"


class Asset(msgspec.Struct, frozen=True):
    """A file as it is served."""

    content: bytes
    media_type: str

    @property
    def integrity(self) -> str:
        """The value of an `integrity` attribute (Subresource Integrity)."""
        return "sha384-" + b64encode(sha384(self.content).digest()).decode()

    def release(self, version: str) -> str:
        """Return the file's name in immutable addresses. It contains a hash, so two contents never share an address."""
        return f"{version}-{sha256(self.content).hexdigest()[:8]}"


class Assets:
    """All files, and the handlers that serve them."""

    def __init__(self, version: str) -> None:
        templates = files("ticker.web") / "templates"
        self._version = version
        self._newest = {
            "ticker.js": Asset(widget.module(), _SCRIPT),
            "ticker.js.map": Asset(widget.source_map(), "application/json"),
            "themes.css": Asset(widget.themes(), _STYLES),
            "pages.css": Asset((templates / "pages.css").read_bytes(), _STYLES),
            "pages.js": Asset((templates / "pages.js").read_bytes(), _SCRIPT),
            "icon.svg": Asset((templates / "icon.svg").read_bytes(), "image/svg+xml"),
        }
        self._immutable = {(asset.release(version), name): asset for name, asset in self._newest.items()}
        # A browser resolves the map's relative address against the module's own.
        self._immutable[self.module.release(version), "ticker.js.map"] = self._newest["ticker.js.map"]
        for release, content in widget.earlier_modules().items():
            self._immutable[release, "ticker.js"] = Asset(content, _SCRIPT)

    @property
    def module(self) -> Asset:
        """The element's module."""
        return self._newest["ticker.js"]

    def address(self, name: str) -> str:
        """Return the path of the immutable address of a file."""
        return f"/widget/{self._newest[name].release(self._version)}/{name}"

    async def newest_file(self, request: Request) -> Response:
        """Serve the newest version of a file."""
        return _serve(request, self._newest.get(request.path_params["name"]), REVALIDATED)

    async def immutable_file(self, request: Request) -> Response:
        """Serve one release of a file."""
        parameters = request.path_params
        return _serve(request, self._immutable.get((parameters["release"], parameters["name"])), IMMUTABLE)


def _serve(request: Request, asset: Asset | None, cache_control: str) -> Response:
    if asset is None:
        return JSONResponse({"error": "path", "detail": "there is no such file, or no such release of it"}, 404)
    headers = {
        "Cache-Control": cache_control,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return cacheable_response(request, asset.content, asset.media_type, headers)
