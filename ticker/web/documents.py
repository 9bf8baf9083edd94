"""The descriptions of the API, for programs and for people. They are made once, at the first request for one.

That takes a tenth of a second, which would be part of each start of a gateway.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ticker.gateway.problems import PAGE, PROBLEMS
from ticker.schemas import Schema
from ticker.web import http_cache
from ticker.web.asyncapi import MEDIA_TYPE as ASYNCAPI
from ticker.web.asyncapi import asyncapi
from ticker.web.cors import ANY_ORIGIN
from ticker.web.openapi import MEDIA_TYPE as OPENAPI
from ticker.web.openapi import openapi
from ticker.web.page_options import PageOptions
from ticker.web.policy import security_headers

_CODE: Final = re.compile("`([^`]+)`")


class Documents:
    """The handlers. `describe` has to be called before the first request."""

    def __init__(self, version: str, environment: Environment) -> None:
        self._version = version
        self._environment = environment
        self._routes: Sequence[BaseRoute] = ()
        self._documents: dict[str, tuple[bytes, str]] = {}
        self._making = asyncio.Lock()

    @property
    def routes(self) -> list[Route]:
        """The routes of the documents."""
        paths = ("/v1/openapi.json", "/v1/asyncapi.json", "/docs/api", PAGE)
        return [Route(path, self.document) for path in paths]

    def describe(self, routes: Sequence[BaseRoute]) -> None:
        """Set the routes of the application that the documents describe."""
        self._routes = routes

    def _make(self) -> dict[str, tuple[bytes, str]]:
        """Return the content and the media type of each document, by its path."""
        api = openapi(self._version, self._routes)
        live = asyncapi(self._version, api["components"]["parameters"])
        return {
            "/v1/openapi.json": (msgspec.json.encode(api), OPENAPI),
            "/v1/asyncapi.json": (msgspec.json.encode(live), ASYNCAPI),
            "/docs/api": (self._page("api", api=Described(api)), "text/html"),
            PAGE: (self._page("problems", problems=PROBLEMS), "text/html"),
        }

    async def document(self, request: Request) -> Response:
        """Return the document at the request's path."""
        async with self._making:
            if not self._documents:  # in a thread: followers must not wait
                self._documents = await asyncio.to_thread(self._make)
        content, media_type = self._documents[request.scope["path"]]
        headers = {"Cache-Control": http_cache.DOCUMENTS}
        more = security_headers() if media_type == "text/html" else {**ANY_ORIGIN, "X-Content-Type-Options": "nosniff"}
        return http_cache.cacheable_response(request, content, media_type, {**headers, **more})

    def _page(self, page: str, **values: object) -> bytes:
        rendered = self._environment.get_template(f"{page}.html").render(
            page=page, options=PageOptions(), lang="en", dir="ltr", is_test=False, prose=_prose, **values
        )
        return rendered.encode()


class Described:
    """An OpenAPI document as its page shows it."""

    def __init__(self, document: Schema) -> None:
        self.info: Schema = document["info"]
        self.schemas: dict[str, Schema] = document["components"]["schemas"]
        self.tags: list[Schema] = document["tags"]
        self._document = document

    def operations(self, tag: str) -> list[tuple[str, Schema]]:
        """Return the paths and operations with this tag."""
        operations = [(path, item["get"]) for path, item in self._document["paths"].items()]
        return [(path, operation) for path, operation in operations if tag in operation["tags"]]

    def resolve(self, part: Schema) -> Schema:
        """Return the component that a part refers to, or the part itself."""
        for name in part.get("$ref", "").split("/")[1:]:
            part = self._document[name] if part.keys() == {"$ref"} else part[name]
        return part

    def form(self, schema: Schema) -> Markup:
        """Return what a schema allows, in a few words, with links to the schemas of this page."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return Markup('<a href="#{0}">{0}</a>').format(name)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return Markup(" or ").join(map(self.form, schema[key]))
        if "enum" in schema or "const" in schema:
            values = schema.get("enum", [schema.get("const")])
            return Markup(", ").join(Markup("<code>{}</code>").format(value) for value in values)
        if schema.get("type") == "array":
            return Markup("list of {}").format(self.form(schema.get("items", {})))
        if "minimum" in schema and "maximum" in schema:
            return Markup("{minimum}–{maximum}").format_map(schema)
        return escape(schema.get("format", schema.get("type", "any")))

    @staticmethod
    def example(content: Schema) -> str | None:
        """Return the example of a media type as it is sent, or None."""
        example = content.get("example")
        if example is None or isinstance(example, str):
            return example
        return json.dumps(example, ensure_ascii=False, indent=2)


def _prose(text: str) -> Markup:
    """Return a description as HTML: a word between backticks is code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 -- escaped before
