"""The pages that people open, and the widget's files. Rendered on the server: they work without JavaScript.

Where there is JavaScript the element takes over the lines and the position that its page came with, so that nothing is
missing and nothing comes twice between the rendering and the first message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ticker import widget
from ticker.core.edition import Edition
from ticker.core.errors import SelectionError
from ticker.core.line import URGENCY_FLASH, Line, Status
from ticker.core.messages import BoardMessage, EditionInfo, encode_message, rfc3339
from ticker.core.position import Position
from ticker.core.selection import EVERYTHING, Selection, parse_selection

LINES_MAX: Final = 100
LAYOUTS: Final = ("list", "strip", "crawl")
SCHEMES: Final = ("light", "dark")
REFRESH_S: Final = 60
"""How often a page without JavaScript loads itself anew."""
_FOREVER: Final = "public, max-age=31536000, immutable"
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
_ASK_AGAIN: Final = "public, max-age=300, stale-while-revalidate=86400"


class ShownEdition(Protocol):
    """What the pages need of an edition; `ticker.gateway.channel.Channel` is one."""

    name: str

    @property
    def edition(self) -> Edition: ...

    def board_lines(self, size: int, selection: Selection = EVERYTHING) -> list[Line]: ...

    @property
    def position(self) -> Position: ...


class PageError(Exception):
    """Why a page can't be shown, for people."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class View(msgspec.Struct, frozen=True):
    """How a page is to look: its query, checked."""

    layout: str = "list"
    theme: str = ""
    scheme: str = ""
    wall: bool = False
    lines: int | None = None
    selection: Selection = EVERYTHING

    @property
    def query(self) -> str:
        """The query that asks for this view again, with what a reader chose and the element needs."""
        chosen: list[tuple[str, str | int]] = [("section", each) for each in self.selection.sections]
        chosen += [("region", each) for each in self.selection.regions]
        for name, value in (
            ("urgency", self.selection.urgency),
            ("lines", self.lines),
            ("layout", "" if self.layout == "list" else self.layout),
            ("theme", self.theme),
            ("scheme", self.scheme),
        ):
            if value:
                chosen.append((name, value))
        return urlencode(chosen)


def page_routes(editions: Mapping[str, ShownEdition], *, version: str) -> list[BaseRoute]:
    """The routes of all pages and files. They come last in an application: `/{edition}` takes every name."""
    pages = Pages(editions, version)
    return [
        Route("/", pages.index),
        Route("/oembed", pages.oembed),
        Route("/widget/{name}", pages.moving_file),
        Route("/widget/{release}/{name}", pages.fixed_file),
        Route("/{edition}", pages.edition),
        Route("/{edition}/embed", pages.embed),
    ]


class Pages:
    """The handlers."""

    def __init__(self, editions: Mapping[str, ShownEdition], version: str) -> None:
        self._editions = editions
        self._version = version
        self._files = _files()
        self._fixed_files = {(asset.release(version), name): asset for name, asset in self._files.items()}
        self._fixed_files |= {(name, "ticker.js"): asset for name, asset in widget.earlier_releases().items()}
        self._environment = _make_environment(self._files, version)

    async def index(self, request: Request) -> Response:
        """Every edition live, the themes, and what to paste."""
        return self._show(request, self._render_index)

    async def edition(self, request: Request) -> Response:
        """One edition, for a phone, a desk or (`?wall=1`) a wall."""
        return self._show(request, self._render_edition)

    async def embed(self, request: Request) -> Response:
        """One edition and nothing else, for an iframe on anybody's page."""
        found = self._editions.get(request.path_params["edition"])
        return self._show(request, self._render_embed, framers="*" if found is None else _framers(found.edition))

    async def oembed(self, request: Request) -> Response:
        """How to embed an edition's page (oEmbed 1.0, rich). `url` is the address of an edition on this host."""
        given = request.query_params
        if given.get("format", "json") != "json":
            return JSONResponse({"error": "format", "detail": "only json is spoken here"}, 501)
        try:
            channel, view = self._find(given.get("url", ""), request.url.netloc)
        except (PageError, ValueError) as error:  # ValueError: urlsplit and parse_qsl, for what is no address
            return JSONResponse({"error": "url", "detail": str(error)}, 404)
        width = _parse_length(given.get("maxwidth"), 600)
        height = _parse_length(given.get("maxheight"), 480 if view.layout == "list" else 120)
        address = str(request.url_for("embed", edition=channel.name).include_query_params(**dict_of(view.query)))
        html = self._environment.get_template("iframe.html").render(
            address=address, title=channel.edition.title, width=width, height=height, lang=channel.edition.lang
        )
        body = {
            "version": "1.0",
            "type": "rich",
            "provider_name": "Ticker",
            "provider_url": str(request.base_url),
            "title": channel.edition.title,
            "cache_age": 86400,
            "width": width,
            "height": height,
            "html": html.strip(),
        }
        return JSONResponse(body, headers={"Access-Control-Allow-Origin": "*", "Cache-Control": _ASK_AGAIN})

    async def moving_file(self, request: Request) -> Response:
        """The newest version of one of the widget's files."""
        asset = self._files.get(request.path_params["name"])
        return _missing_file() if asset is None else _file(request, asset, _ASK_AGAIN)

    async def fixed_file(self, request: Request) -> Response:
        """One version of one of the widget's files, for good: for `integrity`."""
        name, release = request.path_params["name"], request.path_params["release"]
        asset = self._fixed_files.get((release, name))
        return _missing_file() if asset is None else _file(request, asset, _FOREVER)

    def _show(self, request: Request, render: Callable[[Request], str], *, framers: str = "'self'") -> Response:
        try:
            body, status = render(request), 200
        except PageError as error:
            template = self._environment.get_template("error.html")
            body = template.render(
                error=error, editions=self._editions, view=View(), lang="en", dir="ltr", is_test=False
            )
            status = error.status
        content = body.encode()
        etag = f'W/"{sha256(content).hexdigest()[:32]}"'
        # A line that is withdrawn must not come back from a cache: everybody asks each time, and mostly gets a 304.
        headers = {"Cache-Control": "no-cache", "ETag": etag, **_security_headers(framers)}
        if status == 200 and _is_known(request, etag):
            return Response(status_code=304, headers=headers)
        return Response(content, status, headers, "text/html")

    def _render_index(self, request: Request) -> str:
        view = _parse_view(None, dict(request.query_params))
        shown = [self._ticker(channel, view) for _, channel in sorted(self._editions.items(), key=_english_first)]
        return self._environment.get_template("index.html").render(
            view=view,
            tickers=shown,
            is_test=any(ticker.edition.test for ticker in shown),
            lang="en",
            dir="ltr",
            themes=widget.THEMES,
            base=str(request.base_url),
            integrity=widget.module().integrity,
            release=widget.module().release(self._version),
        )

    def _render_edition(self, request: Request) -> str:
        channel = self._channel(request)
        view = _parse_view(channel.edition, _query(request))
        return self._environment.get_template("edition.html").render(
            view=view,
            ticker=self._ticker(channel, view),
            is_test=channel.edition.test,
            editions=self._editions,
            lang=channel.edition.lang,
            dir=channel.edition.dir.value,
            address=str(request.url_for("edition", edition=channel.name)),
            oembed=str(request.url_for("oembed").include_query_params(url=str(request.url), format="json")),
            structured=_script_json(
                self._structured(channel, view, str(request.url_for("edition", edition=channel.name)))
            ),
        )

    def _render_embed(self, request: Request) -> str:
        channel = self._channel(request)
        view = _parse_view(channel.edition, _query(request))
        return self._environment.get_template("embed.html").render(
            view=view,
            ticker=self._ticker(channel, view),
            is_test=channel.edition.test,
            lang=channel.edition.lang,
            dir=channel.edition.dir.value,
            address=str(request.url_for("edition", edition=channel.name)),
            structured=_script_json(
                self._structured(channel, view, str(request.url_for("edition", edition=channel.name)))
            ),
        )

    def _find(self, address: str, host: str) -> tuple[ShownEdition, View]:
        target = urlsplit(address)
        channel = self._editions.get(target.path.strip("/"))
        if channel is None or target.netloc != host or target.scheme not in ("http", "https"):
            raise PageError(404, "url is not the address of an edition's page on this host")
        return channel, _parse_view(channel.edition, dict_of(target.query))

    def _channel(self, request: Request) -> ShownEdition:
        name = request.path_params["edition"]
        channel = self._editions.get(name)
        if channel is None and not self._editions:
            raise PageError(503, "This server is still loading its editions. Please try again in a moment.")
        if channel is None:
            raise PageError(404, f"There is no edition {name[:40]!a} here.")
        return channel

    def _ticker(self, channel: ShownEdition, view: View) -> Ticker:
        size = view.lines or channel.edition.board_lines
        return Ticker(channel.name, channel.edition, size, channel.board_lines(size, view.selection), channel.position)

    def _structured(self, channel: ShownEdition, view: View, address: str) -> bytes:
        """The board as schema.org's LiveBlogPosting."""
        lines = [line for line in self._ticker(channel, view).lines if line.status is Status.USABLE]
        posting: dict[str, Any] = {
            "@context": "https://schema.org",
            "@type": "LiveBlogPosting",
            "@id": address,
            "url": address,
            "headline": channel.edition.title,
            "inLanguage": channel.edition.lang,
            "liveBlogUpdate": [_structured_line(line, address) for line in lines],
        }
        if lines:
            posting["datePublished"] = posting["coverageStartTime"] = rfc3339(min(line.created_at for line in lines))
            posting["dateModified"] = rfc3339(max(line.updated_at for line in lines))
        return msgspec.json.encode(posting)


class Ticker:
    """An edition as the templates show it."""

    def __init__(self, name: str, edition: Edition, size: int, lines: list[Line], position: Position) -> None:
        self.name = name
        self.edition = edition
        self.size = size
        self.lines = lines
        self._position = position

    @cached_property
    def seed(self) -> Markup:
        """The `board` message that the element goes on from."""
        info = EditionInfo.of(self.name, self.edition)
        return _script_json(encode_message(BoardMessage(str(self._position), None, info, self.lines)))


def dict_of(query: str) -> dict[str, str | list[str]]:
    """A query's fields; a list where one is given more than once."""
    fields: dict[str, str | list[str]] = {}
    for name, value in parse_qsl(query, max_num_fields=32):
        before = fields.get(name)
        fields[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return fields


def _query(request: Request) -> dict[str, str | list[str]]:
    try:
        return dict_of(request.url.query)
    except ValueError as error:
        raise PageError(400, "The address has too many parameters.") from error


def _parse_view(edition: Edition | None, fields: Mapping[str, str | list[str]]) -> View:
    """Read a page's query. What only changes the looks falls back; what changes the news is refused when wrong.

    Raises:
        PageError: 400.

    """

    def one(name: str) -> str:
        value = fields.get(name, "")
        return value if isinstance(value, str) else value[-1]

    def every(name: str) -> list[str]:
        value = fields.get(name, [])
        return [value] if isinstance(value, str) else value

    selection = EVERYTHING
    if edition is not None:
        try:
            selection = parse_selection(edition, every("section"), every("region"), one("urgency") or None)
        except SelectionError as error:
            raise PageError(400, str(error)) from error
    return View(
        layout=one("layout") if one("layout") in LAYOUTS else "list",
        theme=one("theme") if one("theme") in widget.THEMES else "",
        scheme=one("scheme") if one("scheme") in SCHEMES else "",
        wall=one("wall") == "1",
        lines=_parse_lines(one("lines")),
        selection=selection,
    )


def _parse_lines(text: str) -> int | None:
    is_short = text.isascii() and text.isdecimal() and len(text) <= 3
    return int(text) if is_short and 1 <= int(text) <= LINES_MAX else None


def _parse_length(text: str | None, default: int) -> int:
    """A size in pixels that isn't larger than what a consumer allows."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= 5):
        return default
    return max(1, min(default, int(text)))


def _english_first(named: tuple[str, ShownEdition]) -> tuple[bool, str]:
    return not named[1].edition.lang.startswith("en"), named[0]


def _structured_line(line: Line, address: str) -> dict[str, Any]:
    text = f"{line.attribution}: {line.text}" if line.attribution else line.text
    posting: dict[str, Any] = {
        "@type": "BlogPosting",
        "@id": f"{address}#{line.id}",
        "headline": text,
        "articleBody": text,
        "inLanguage": line.lang,
        "datePublished": rfc3339(line.created_at),
        "dateModified": rfc3339(line.updated_at),
    }
    if line.url is not None:
        posting["url"] = line.url
    if line.correction is not None:
        posting["correction"] = line.correction
    return posting


def _script_json(document: bytes) -> Markup:
    """JSON that may stand in a `script` element: nothing in it can end the element or begin a comment."""
    text = document.decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 -- escaped above


def _files() -> dict[str, widget.Asset]:
    """What is served under `/widget/`: the element and its themes for everybody, the rest for these pages."""
    folder = files("ticker.web") / "templates"
    return {
        "ticker.js": widget.module(),
        "themes.css": widget.themes(),
        "pages.css": widget.Asset((folder / "pages.css").read_bytes(), "text/css; charset=utf-8"),
        "pages.js": widget.Asset((folder / "pages.js").read_bytes(), "text/javascript; charset=utf-8"),
        "icon.svg": widget.Asset((folder / "icon.svg").read_bytes(), "image/svg+xml"),
    }


def _make_environment(assets: Mapping[str, widget.Asset], version: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("ticker.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = msgspec.json.decode((files("ticker.web") / "templates" / "words.json").read_bytes())
    environment.globals |= {
        "asset": lambda name: f"/widget/{assets[name].release(version)}/{name}",
        "words": lambda lang: words.get(lang.split("-")[0], words["en"]),
        "is_flash": lambda line: line.urgency == URGENCY_FLASH,
        "refresh_s": REFRESH_S,
    }
    environment.filters |= {"instant": _format_instant, "rfc3339": rfc3339}
    return environment


def _format_instant(instant: datetime, lang: str) -> str:
    """A time in a line's language. In UTC: without JavaScript nobody knows the reader's zone."""
    try:
        locale = Locale.parse(lang, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return format_datetime(instant, "d MMM y HH:mm", locale=locale) + " UTC"


def _framers(edition: Edition) -> str:
    """Whose pages may have the edition in a frame (CSP `frame-ancestors`): those that may follow it."""
    if "*" in edition.origins:
        return "*"
    return " ".join(["'self'", *(origin for origin in edition.origins if _ORIGIN.fullmatch(origin))])


def _security_headers(framers: str) -> dict[str, str]:
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
        f"frame-ancestors {framers}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }


def _file(request: Request, asset: widget.Asset, caching: str) -> Response:
    headers = {
        "ETag": asset.etag,
        "Cache-Control": caching,
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
    }
    if _is_known(request, asset.etag):
        return Response(status_code=304, headers=headers)
    return Response(asset.content, headers=headers, media_type=asset.media_type)


def _missing_file() -> Response:
    return JSONResponse({"error": "path", "detail": "the widget has no such file, or no such version of it"}, 404)


def _is_known(request: Request, etag: str) -> bool:
    """Whether the reader has this version (RFC 9110, 13.1.2: weak comparison)."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or etag.removeprefix("W/") in [
        each.strip().removeprefix("W/") for each in given.split(",")
    ]
