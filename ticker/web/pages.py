"""The pages that people open, and the oEmbed endpoint. They are rendered on the server and work without JavaScript.

Each page contains the board message that its lines were rendered from. With JavaScript, the element continues from that
position: no line is missing or repeated between the rendering and the first message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ticker import widget
from ticker.core.edition import Edition
from ticker.core.line import URGENCY_FLASH, Line, Status
from ticker.core.messages import BoardMessage, EditionInfo, encode_message, rfc3339
from ticker.core.words import language_with_words
from ticker.formats.publication import Publication
from ticker.formats.schema_org import blog_post, live_blog
from ticker.formats.texts import headline
from ticker.gateway.admission import Refusal
from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.gateway.problems import CHALLENGES
from ticker.web.assets import REVALIDATED, Assets
from ticker.web.demo_article import LANGUAGES, VIEWS, editions_by_language, load_articles
from ticker.web.feeds import DISCOVERED, publication_of
from ticker.web.http_cache import cacheable_response
from ticker.web.page_options import PageError, PageOptions, parse_page_options
from ticker.web.policy import frame_ancestors, frame_sandbox, security_headers
from ticker.web.privacy import channel_for
from ticker.web.problems import problem_response
from ticker.web.words import words_of

STORY_LINES: Final = 200
"""How many lines the page of a story has at most."""
REFRESH_S: Final = 60
"""Interval at which a page reloads in a browser without JavaScript."""


def page_routes(hub: Hub, *, version: str, demo: bool = False, assets: Assets | None = None) -> list[BaseRoute]:
    """Return the routes of all pages and files. The made-up article exists only with `demo`, beside made-up lines.

    They have to be the last ones of an application, because `/{edition}` matches every name.
    """
    assets = assets or Assets(version)
    pages = Pages(hub, assets, version, demo=demo)
    return [
        Route("/", pages.index),
        *([Route("/demo/article", pages.article)] if demo else []),
        Route("/oembed", pages.oembed),
        Route("/widget/{name}", assets.newest_file),
        Route("/widget/{release}/{name}", assets.immutable_file),
        Route("/{edition}", pages.edition),
        Route("/{edition}/embed", pages.embed),
        Route("/{edition}/lines/{id}", pages.line),
        Route("/{edition}/stories/{story:path}", pages.story),
    ]


class Pages:
    """The handlers."""

    def __init__(self, hub: Hub, assets: Assets, version: str, *, demo: bool = False) -> None:
        self._hub = hub
        self._demo = demo
        self._assets = assets
        self._module = assets.module
        self._version = version
        self._environment = make_environment(assets)

    async def index(self, request: Request) -> Response:
        """Show every edition, the themes, and the code to embed a ticker."""
        return self._show(request, self._render_index)

    async def edition(self, request: Request) -> Response:
        """Show one edition: on a phone, on a desk or, with `?wall=1`, on a wall."""
        return self._show(request, self._render_edition)

    async def embed(self, request: Request) -> Response:
        """Show one edition without anything around it, for an iframe on another site's page."""
        try:
            ancestors = frame_ancestors(self._channel(request).edition)
        except PageError:
            ancestors = "*"
        return self._show(request, self._render_embed, security_headers(ancestors, request.url))

    async def line(self, request: Request) -> Response:
        """Show one line for good, or the notice of its withdrawal."""
        return self._show(request, self._render_line)

    async def story(self, request: Request) -> Response:
        """Show the lines of a running story and the notices of withdrawn ones, the newest first."""
        return self._show(request, self._render_story)

    async def article(self, request: Request) -> Response:
        """Show the made-up article in the language of the query, or in the first one for which there is an edition."""
        return self._show(request, self._render_article)

    async def oembed(self, request: Request) -> Response:
        """Return the iframe that embeds an edition's page (oEmbed 1.0, rich). `url` is that page's address here."""
        parameters = request.query_params
        if parameters.get("format", "json") != "json":
            return problem_response(Refusal(501, "format", "the only format is json"))
        try:
            channel, options = self._find(request, parameters.get("url", ""))
        except PageError as error:
            return problem_response(Refusal(503 if error.status == 503 else 404, "url", str(error)))
        except ValueError as error:  # urlsplit can't parse the address
            return problem_response(Refusal(404, "url", str(error)))
        width = _parse_length(parameters.get("maxwidth"), 600)
        height = _parse_length(parameters.get("maxheight"), 480 if options.layout == "list" else 120)
        title = channel.edition.title
        html = self._environment.get_template("iframe.html").render(
            address=str(request.url_for("embed", edition=channel.name).replace(query=options.query)),
            title=title,
            width=width,
            height=height,
            lang=channel.edition.lang,
            sandbox=frame_sandbox(channel.edition),
        )
        body = {
            "version": "1.0",
            "type": "rich",
            "provider_name": "Ticker",
            "provider_url": str(request.base_url),
            "title": title,
            "cache_age": 86400,
            "width": width,
            "height": height,
            "html": html.strip(),
        }
        return JSONResponse(body, headers={"Access-Control-Allow-Origin": "*", "Cache-Control": REVALIDATED})

    def _show(
        self, request: Request, render: Callable[[Request], str], security: Mapping[str, str] | None = None
    ) -> Response:
        headers = dict(security_headers() if security is None else security)
        # A withdrawn line must not come back from a cache: browsers revalidate each time, and mostly get a 304.
        headers["Cache-Control"] = "no-cache"
        try:
            return cacheable_response(request, render(request).encode(), "text/html", headers)
        except PageError as error:
            body = self._environment.get_template("error.html").render(
                error=error,
                channels=self._hub.open_channels(),
                options=PageOptions(),
                lang="en" if error.edition is None else error.edition.lang,
                dir="ltr" if error.edition is None else error.edition.dir.value,
                is_test=False,
            )
            return HTMLResponse(body, error.status, {**headers, **error.headers})

    def _render_index(self, request: Request) -> str:
        options = parse_page_options(request.url.query, None)
        tickers = [EmbeddedTicker(channel, options) for channel in self._hub.open_channels().values()]
        base = str(request.base_url)
        return self._environment.get_template("index.html").render(
            options=options,
            tickers=tickers,
            is_test=any(ticker.edition.test for ticker in tickers),
            lang="en",
            dir="ltr",
            themes=widget.THEMES,
            base=base,
            origin=base.rstrip("/"),
            integrity=self._module.integrity,
            themes_integrity=self._assets.integrity("themes.css"),
            release=self._module.release(self._version),
            articles={lang: LANGUAGES[lang] for lang in self._articles()},
        )

    def _render_article(self, request: Request) -> str:
        editions = self._articles()
        lang = request.query_params.get("lang") or next(iter(editions), "en")
        if lang not in editions:
            raise PageError(404, f"There is no article in the language {lang[:40]!a} here.")
        options = parse_page_options(request.url.query, None)
        ticker = EmbeddedTicker(self._hub.open_channels()[editions[lang]], PageOptions(lines=options.lines))
        return self._environment.get_template("article.html").render(
            options=options,
            ticker=ticker,
            text=load_articles()[lang],
            languages={each: LANGUAGES[each] for each in editions},
            views=VIEWS,
            lang=lang,
            dir=ticker.edition.dir.value,
            is_test=True,  # search engines must not index it as news either
        )

    def _articles(self) -> dict[str, str]:
        """Return the edition of the article in each language. The dict is empty without a demo."""
        if not self._demo:
            return {}
        return editions_by_language((name, channel.edition) for name, channel in self._hub.open_channels().items())

    def _render_edition(self, request: Request) -> str:
        return self._render_one("edition.html", request)

    def _render_embed(self, request: Request) -> str:
        return self._render_one("embed.html", request)

    def _render_one(self, template: str, request: Request) -> str:
        channel = self._channel(request)
        edition = channel.edition
        options = parse_page_options(request.url.query, edition)
        ticker = EmbeddedTicker(channel, options)
        publication = publication_of(self._hub, channel, str(request.base_url))
        return self._environment.get_template(template).render(
            options=options,
            ticker=ticker,
            is_test=edition.test,
            channels=self._hub.open_channels(),
            lang=edition.lang,
            dir=edition.dir.value,
            address=publication.page,
            oembed=str(request.url_for("oembed").include_query_params(url=str(request.url), format="json")),
            structured_data=_script_json(live_blog(publication, ticker.lines, self._hub.clock())),
        )

    def _render_line(self, request: Request) -> str:
        channel = self._channel(request)
        entry = channel.history.board.get(request.path_params["id"])
        if entry is None or entry.line.status is Status.WITHHELD:
            raise PageError(404, words_of(channel.edition.lang)["no_line"], channel.edition)
        line, publication = entry.line, publication_of(self._hub, channel, str(request.base_url))
        data = blog_post(publication, line) if line.status is Status.USABLE else None
        return self._render_lines(publication, [line], data, publication.page_of(line.id))

    def _render_story(self, request: Request) -> str:
        channel = self._channel(request)
        story, now = request.path_params["story"], self._hub.clock()
        history = channel.history
        known = (entry.line for entry in history.board.newest_first() if history.story_of(entry.line) == story)
        lines = list(islice((line for line in known if line.shows(now)), STORY_LINES))
        if not lines:
            raise PageError(404, words_of(channel.edition.lang)["no_story"], channel.edition)
        publication = publication_of(self._hub, channel, str(request.base_url))
        address = publication.story_page(story)
        if all(line.status is Status.CANCELED for line in lines):  # the story's name could quote the withdrawn text
            return self._render_lines(publication, lines, None, address)
        return self._render_lines(publication, lines, live_blog(publication, lines, now, story=story), address, story)

    def _render_lines(
        self, publication: Publication, lines: list[Line], data: bytes | None, address: str, story: str | None = None
    ) -> str:
        edition = publication.edition
        return self._environment.get_template("line.html").render(
            options=PageOptions(),
            publication=publication,
            lines=lines,
            story=story,
            title=story or headline(lines[0], publication.words),
            is_test=edition.test,
            lang=edition.lang,
            dir=edition.dir.value,
            address=address,
            structured_data=None if data is None else _script_json(data),
        )

    def _find(self, request: Request, address: str) -> tuple[Channel, PageOptions]:
        target = urlsplit(address)
        if target.netloc != request.url.netloc or target.scheme not in ("http", "https"):
            raise PageError(404, "url is not the address of an edition's page on this host")
        channel = self._channel(request, target.path.strip("/"))
        return channel, parse_page_options(target.query, channel.edition)

    def _channel(self, request: Request, name: str | None = None) -> Channel:
        """Return the channel of an edition, by default that of the request's path."""
        name = request.path_params["edition"] if name is None else name
        try:
            return channel_for(self._hub, request, name)
        except Refusal as refusal:
            challenge = CHALLENGES.get(refusal.code)
            headers = {} if challenge is None else {"WWW-Authenticate": challenge, "Cache-Control": "no-store"}
            raise PageError(refusal.status, _page_text(refusal, name), headers=headers) from refusal


class EmbeddedTicker:
    """The data that a template needs to render one `<breaking-ticker>` with its lines."""

    def __init__(self, channel: Channel, options: PageOptions) -> None:
        self.name = channel.name
        self.edition: Edition = channel.edition
        self.size = options.lines or channel.edition.board_lines
        self.lines: list[Line] = channel.board_lines(self.size, options.selection)
        self.is_incomplete = channel.history.is_incomplete
        self._position = channel.position

    @cached_property
    def board_message(self) -> Markup:
        """The `board` message from which the element continues."""
        info = EditionInfo.of(self.name, self.edition, language_with_words(self.edition.lang))
        return _script_json(
            encode_message(BoardMessage(str(self._position), None, info, self.lines, self.is_incomplete))
        )


def _page_text(refusal: Refusal, name: str) -> str:
    """Return the sentence of an error page for a refusal of an edition."""
    texts = {
        "loading": "This server is still loading its editions. Please try again in a moment.",
        "unavailable": f"This server can't show the edition {name} now. Please try again in a moment.",
    }
    if refusal.code in CHALLENGES or refusal.code == "no-keys":
        return "This edition is private. Open it on the site that gives you access to it."
    return texts.get(refusal.code, f"There is no edition {name[:40]!a} here.")


def _parse_length(text: str | None, default: int) -> int:
    """Return a size in pixels: `default`, or less if the oEmbed consumer allows only less."""
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= 5):
        return default
    return max(1, min(default, int(text)))


def _script_json(document: bytes) -> Markup:
    """Return JSON that is safe inside a `script` element: it can't end the element or begin a comment."""
    text = document.decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 -- escaped above


def make_environment(assets: Assets) -> Environment:
    """Return the environment of all templates."""
    environment = Environment(
        loader=PackageLoader("ticker.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "asset": assets.address,
        "words": words_of,
        "feeds": DISCOVERED,
        "is_flash": lambda line: line.urgency == URGENCY_FLASH,
        "refresh_s": REFRESH_S,
        "sandbox": frame_sandbox,
    }
    environment.filters |= {"instant": _format_instant, "rfc3339": rfc3339, "markup": lambda text: str(escape(text))}
    return environment


def _format_instant(instant: datetime, lang: str) -> str:
    """Return a time in UTC in a line's language. Without JavaScript the reader's time zone is unknown."""
    try:
        locale = Locale.parse(lang, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale("en")
    return format_datetime(instant, "d MMM y HH:mm", locale=locale) + " UTC"
