"""The description of the posting part matches its routes and its bodies."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV32SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from ticker.posting.app import Posting
from ticker.posting.inboxes import Inboxes
from ticker.posting.openapi import openapi


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi("0.1.0")))
    return found


def test_every_route_is_described_and_every_described_one_exists(document: dict[str, Any]) -> None:
    routes = Posting(Inboxes("redis://127.0.0.1", 1, 1), 1, "0.1.0").routes()
    found = {(route.path.replace(":path", ""), method.lower()) for route in routes for method in route.methods or ()}
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert {each for each in found if each[1] != "head"} == described


def test_document_and_its_examples_are_valid(document: dict[str, Any]) -> None:
    assert list(OpenAPIV32SpecValidator(document).iter_errors()) == []
    for path in ("/v1/{edition}/submissions", "/v1/{edition}/decisions"):
        media = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        root = {**media["schema"], "components": document["components"]}
        registry: Registry[Any] = Registry()
        registry = registry.with_resource("", DRAFT202012.create_resource(root))
        assert list(Draft202012Validator(root, registry=registry).iter_errors(media["example"])) == []


def test_no_schema_has_a_field_that_only_the_posting_part_sets(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Submission", "DecisionRequest"):
        assert schemas[name]["properties"].keys().isdisjoint({"key", "deadline_at_ms", "origin", "fingerprint"})
        assert "key" not in schemas[name]["required"]
    assert "fingerprint" not in schemas["Receipt"]["properties"]
