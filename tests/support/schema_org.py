"""Read JSON-LD with rdflib, and check it with pySHACL against the shapes of schema.org."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final

import pyshacl
from rdflib import RDF, RDFS, SH, Graph, Namespace
from rdflib.term import Node

from tests.support.feed_readers import SCHEMAS, Item, plain

SCHEMA: Final = Namespace("http://schema.org/")
SHAPES: Final = Namespace("http://schema.org/validation#")
DATA_TYPES: Final = ("Boolean", "Date", "DateTime", "Integer", "Number", "Text", "Time", "URL")


def read_json_ld(document: bytes) -> Graph:
    """Return the statements of a document of schema.org.

    Equal objects without an id become the same node, so that many documents in one graph stay small.
    """
    data = _with_ids(json.loads(document))
    assert data.pop("@context") == "https://schema.org"
    return Graph().parse(data=json.dumps({**_context(), **data}), format="json-ld")


def posts_of(graph: Graph) -> dict[str, Item]:
    """Return the updates of a live blog by id. The body ends with the reason for a correction, as in feeds."""
    return {str(post): _item(graph, post) for post in graph.objects(None, SCHEMA.liveBlogUpdate)}


def notices_of(graph: Graph) -> dict[str, tuple[str, datetime]]:
    """Return the corrections of a live blog by id: their texts, and their times."""
    return {
        str(notice): (plain(_text(graph, notice, "text")), _time(graph, notice, "datePublished"))
        for blog in graph.subjects(RDF.type, SCHEMA.LiveBlogPosting)
        for notice in graph.objects(blog, SCHEMA.correction)
    }


def schema_org_errors(graph: Graph) -> str:
    """Return why a graph isn't valid: nothing if each value has a type that schema.org allows for its property."""
    misplaced = [f"{subject} can't have {name}" for subject, name in _misplaced(graph)]
    is_valid, _, report = pyshacl.validate(graph, shacl_graph=_shapes(), ont_graph=_subclasses())
    return "\n".join([*misplaced, *([] if is_valid else [report])])


def _misplaced(graph: Graph) -> Iterator[tuple[Node, Node]]:
    """Yield the properties that no class of their subject has. Shapes of schema.org allow unknown properties."""
    for subject, name in set(graph.subject_predicates()):
        kinds = graph.objects(subject, RDF.type)
        if name != RDF.type and not any(name in _properties(kind) for kind in kinds):
            yield subject, name


@cache
def _properties(kind: Node) -> frozenset[Node]:
    classes = _subclasses().transitive_objects(kind, RDFS.subClassOf)
    shapes = (shape for each in classes for shape in _shapes().subjects(SH.targetClass, each))
    return frozenset(
        path
        for shape in shapes
        for each in _shapes().objects(shape, SH.property)
        for path in _shapes().objects(each, SH.path)
    )


@cache
def _shapes() -> Graph:
    """Return the shapes of schema.org. As published, those of the data types refuse literals, which is a mistake."""
    shapes = Graph().parse(SCHEMAS / "schemaorg-shapes.shacl", format="turtle")
    for name in DATA_TYPES:
        shape = SHAPES[f"ValidSchema{name}"]
        assert (shape, SH.nodeKind, SH.BlankNodeOrIRI) in shapes
        shapes.set((shape, SH.nodeKind, SH.IRIOrLiteral if name == "URL" else SH.Literal))
    return shapes


@cache
def _subclasses() -> Graph:
    return Graph().parse(SCHEMAS / "schemaorg-subclasses.shacl", format="turtle")


@cache
def _context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads((SCHEMAS / "schemaorg-context.json").read_bytes())
    return context


def _with_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_ids(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return {"@id": f"_:n{made}", **{name: _with_ids(each) for name, each in value.items()}}


def _item(graph: Graph, post: Node) -> Item:
    title = _text(graph, post, "headline")
    assert _text(graph, post, "articleBody") == title
    reasons = [_text(graph, each, "text") for each in graph.objects(post, SCHEMA.correction)]
    return Item(
        plain(title),
        plain("\n\n".join([title, *(f"Correction: {reason}" for reason in reasons)])),
        _time(graph, post, "datePublished"),
        _time(graph, post, "dateModified"),
    )


def _text(graph: Graph, subject: Node, name: str) -> str:
    (value,) = graph.objects(subject, SCHEMA[name])
    return str(value)


def _time(graph: Graph, subject: Node, name: str) -> datetime:
    return datetime.fromisoformat(_text(graph, subject, name))
