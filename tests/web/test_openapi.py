"""The descriptions of the API match the code: routes, examples, schemas, and the recorded messages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import OpenAPIV32SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from starlette.applications import Starlette
from starlette.routing import Route

from tests.support.api_examples import EXAMPLES, REFUSED, real_answers
from tests.support.channels import make_channel, make_hub, make_line
from tests.support.parsed_page import ParsedPage
from ticker.gateway.problems import PROBLEMS
from ticker.web.app import make_app

VECTORS = Path(__file__).parents[1] / "vectors"
MESSAGES = json.loads((VECTORS / "messages.json").read_text(encoding="utf-8"))
Document = dict[str, Any]


def app_with(*, demo: bool = False, has_metrics: bool = True) -> Starlette:
    hub = make_hub({"en": make_channel("en", [make_line(1, "One")])})
    return make_app(hub, "0.1.0", demo=demo, has_metrics=has_metrics)


async def fetch(app: Starlette, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example") as client:
        return await client.get(path)


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Document]:
    yield (await fetch(app_with(demo=True), "/v1/openapi.json")).json()


@pytest_asyncio.fixture
async def live() -> AsyncIterator[Document]:
    yield (await fetch(app_with(), "/v1/asyncapi.json")).json()


def errors(document: Document, schema: Document, value: object) -> list[str]:
    """Return the errors of a value under a schema of a document."""
    root = {**schema, "components": document["components"]}
    registry: Registry[Any] = Registry()
    registry = registry.with_resource("", DRAFT202012.create_resource(root))
    return [error.message for error in Draft202012Validator(root, registry=registry).iter_errors(value)]


@pytest.mark.parametrize("has_metrics", [True, False])
async def test_every_route_is_described_and_every_described_one_exists(*, has_metrics: bool) -> None:
    app = app_with(demo=True, has_metrics=has_metrics)
    document = (await fetch(app, "/v1/openapi.json")).json()
    assert {route.path_format for route in app.routes if isinstance(route, Route)} == document["paths"].keys()
    assert ("/metrics" in document["paths"]) is has_metrics


async def test_openapi_document_is_valid(api: Document) -> None:
    assert api["openapi"] == "3.2.0"
    assert list(OpenAPIV32SpecValidator(api).iter_errors()) == []
    assert len({item["get"]["operationId"] for item in api["paths"].values()}) == len(api["paths"])


async def test_path_has_exactly_its_parameters(api: Document) -> None:
    components = api["components"]["parameters"]
    for path, item in api["paths"].items():
        given = item["get"].get("parameters", [])
        parameters = [components.get(each.get("$ref", "").rpartition("/")[2], each) for each in given]
        names = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert names == {part[1:-1] for part in path.split("/") if part.startswith("{")}


async def test_examples_are_real_answers_and_valid(api: Document) -> None:
    """After a change: `python -m tests.support.api_examples`."""
    answers = await real_answers()
    shown = {path: api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"] for path in EXAMPLES}
    shown[REFUSED] = api["components"]["responses"]["NotFound"]["content"]["application/problem+json"]
    for path, media in shown.items():
        assert media["example"] == answers[path], path
        assert errors(api, media["schema"], answers[path]) == []


async def test_event_has_a_schema_of_its_own(api: Document) -> None:
    media = api["paths"]["/v1/{edition}/events"]["get"]["responses"]["200"]["content"]["text/event-stream"]
    assert media["itemSchema"]["required"] == ["event", "data"]
    kinds = set(media["itemSchema"]["properties"]["event"]["enum"])
    assert kinds == {json.loads(message["text"])["type"] for message in MESSAGES["messages"]}


async def test_asyncapi_document_is_valid(live: Document) -> None:
    schema = json.loads((VECTORS / "asyncapi" / "3.1.0.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(live)] == []


@pytest.mark.parametrize("message", MESSAGES["messages"], ids=lambda message: str(message["name"]))
async def test_recorded_message_is_valid_against_exactly_one_schema(live: Document, message: dict[str, str]) -> None:
    value = json.loads(message["text"])
    payloads = {name: each["payload"] for name, each in live["components"]["messages"].items()}
    valid = [name for name, payload in payloads.items() if not errors(live, payload, value)]
    assert [live["components"]["messages"][name]["name"] for name in valid] == [value["type"]]


async def test_page_shows_every_path_parameter_and_field(api: Document) -> None:
    response = await fetch(app_with(demo=True), "/docs/api")
    page = ParsedPage(response.text)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert all(f"GET {path}" in page.text for path in api["paths"])
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert ids >= {*api["components"]["schemas"], *(item["get"]["operationId"] for item in api["paths"].values())}
    links = [link["href"] or "" for link in page.all("a")]
    assert all(link[1:] in ids for link in links if link.startswith("#"))
    assert not any("refresh" in (attributes.get("http-equiv") or "") for attributes in page.all("meta"))


async def test_page_of_problems_has_a_section_per_type() -> None:
    page = ParsedPage((await fetch(app_with(), "/docs/problems")).text)
    assert {attributes.get("id") for attributes in page.all("section")} == PROBLEMS.keys()


async def test_first_page_links_to_the_description() -> None:
    page = ParsedPage((await fetch(app_with(), "/")).text)
    assert "/docs/api" in {link["href"] for link in page.all("a")}
