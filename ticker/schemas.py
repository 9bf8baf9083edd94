"""JSON Schemas, generated from types. The descriptions of the APIs have them as components."""

from __future__ import annotations

import inspect
import re
from typing import Any, Final, TypeAlias

import msgspec

from ticker.core.messages import BoardMessage, ByeMessage, ForgetMessage, HeartbeatMessage, LineMessage, LiveMessage

Schema: TypeAlias = dict[str, Any]
"""A JSON object. Its members are of any kind."""

MESSAGES: Final = (BoardMessage, LineMessage, ForgetMessage, LiveMessage, HeartbeatMessage, ByeMessage)
"""The messages of the protocol."""
_ATTRIBUTES: Final = re.compile(r"\n\nAttributes:\n", re.MULTILINE)
_ATTRIBUTE: Final = re.compile(r"^    (\w+): (.+?)(?=^    \w+: |\Z)", re.MULTILINE | re.DOTALL)
_INSTANT: Final = re.compile(r"\w+_at|\w+_until|now")
"""The names of fields that are instants (see docs/glossary.md). msgspec gives them no format."""


def reference(kind: type) -> Schema:
    """Return a reference to the component of a type."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def components(*kinds: type, place: str = "#/components/schemas/") -> dict[str, Schema]:
    """Return the schemas of these types and of all types in them, by name, described by their docstrings.

    They refer to each other at `place`.
    """
    _, found = msgspec.json.schema_components(kinds, ref_template=f"{place}{{name}}")
    for schema in found.values():
        _describe(schema)
    return found


def _describe(schema: Schema) -> None:
    properties: dict[str, Schema] = schema.get("properties", {})
    text, *attributes = _ATTRIBUTES.split(inspect.cleandoc(schema.get("description", "")))
    if text:
        schema["description"] = _joined(text)
    for name, description in _ATTRIBUTE.findall("\n".join(attributes)):
        if name in properties:
            properties[name]["description"] = _joined(description)
    for name, each in properties.items():
        if _INSTANT.fullmatch(name):
            each["format"] = "date-time"
    for each in (schema, *properties.values()):
        if all(isinstance(value, str) for value in each.get("enum", [None])):
            each["type"] = "string"


def _joined(text: str) -> str:
    return " ".join(text.split())
