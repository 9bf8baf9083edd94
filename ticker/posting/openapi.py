"""The description of the posting part: OpenAPI 3.2, and the JSON Schemas of the bodies.

The paths are written by hand, in `openapi.json`. The schemas are generated from the types of the desk, so that
they match the requests that it accepts.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import msgspec

from ticker.core.submission import DecisionRequest, Receipt, Submission
from ticker.posting.answers import HeldItems
from ticker.posting.problems import PostingProblem
from ticker.posting.requests import body_schemas
from ticker.schemas import Schema, components

MEDIA_TYPE: Final = "application/vnd.oai.openapi+json;version=3.2"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_COMPONENTS: Final = "#/components/schemas/"
_DEFINITIONS: Final = "#/$defs/"


def openapi(version: str) -> Schema:
    """Return the OpenAPI document. `version` is the project's."""
    document: Schema = msgspec.json.decode((files("ticker.posting") / "openapi.json").read_bytes())
    document["info"]["version"] = version
    answers = components(Receipt, HeldItems, PostingProblem)
    del answers[Receipt.__name__]["properties"]["fingerprint"]  # see `ticker.posting.answers.public`
    document["components"]["schemas"] = {
        **answers,
        **body_schemas(Submission, DecisionRequest, place=_COMPONENTS),
    }
    return document


def schema_document(kind: type[Submission | DecisionRequest]) -> Schema:
    """Return the JSON Schema of a body as a document of its own."""
    found = body_schemas(kind, place=_DEFINITIONS)
    schema = found.pop(kind.__name__)
    return {"$schema": _DIALECT, **schema, "$defs": found}
