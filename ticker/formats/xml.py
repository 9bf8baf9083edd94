"""Build XML documents with the standard library's serialiser, which escapes all texts and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from ticker.formats.texts import xml_text


def add(
    parent: ET.Element, tag: str, text: str | None = None, attributes: Mapping[str, str] | None = None
) -> ET.Element:
    """Append an element to `parent`, and return it. Characters that XML can't have are left out."""
    given = {name: xml_text(value) for name, value in (attributes or {}).items()}
    element = ET.SubElement(parent, tag, given)
    element.text = None if text is None else xml_text(text)
    return element


def document(root: ET.Element) -> bytes:
    """Return the document in UTF-8, with an XML declaration."""
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written
