"""A selection: the lines that a follower receives."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ticker.core.edition import Edition
from ticker.core.entry import Entry
from ticker.core.errors import SelectionError
from ticker.core.line import URGENCY_LEAST, Facets


class Selection(msgspec.Struct, frozen=True):
    """Lines of any of `sections`, of any of `regions`, and at least as urgent as `urgency`. Empty or None selects all.

    Both tuples are sorted and without duplicates, so that followers with equal selections share a frame cache.
    """

    sections: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    urgency: int | None = None

    def matches(self, facets: Facets) -> bool:
        if self.urgency is not None and facets.urgency > self.urgency:
            return False
        if self.sections and facets.section not in self.sections:
            return False
        return not self.regions or not set(self.regions).isdisjoint(facets.regions)

    def includes(self, entry: Entry) -> bool:
        """Return True if the entry or an earlier version of its line matches.

        A follower that received one version receives all later ones: a withdrawal must reach every page with the line.
        """
        return self.matches(entry.line.facets) or any(map(self.matches, entry.earlier_facets))


EVERYTHING = Selection()


def parse_selection(
    edition: Edition, sections: Sequence[str], regions: Sequence[str], urgency: str | None
) -> Selection:
    """Return the selection of a reader. `sections` and `regions` must be exact ids of the edition's vocabulary.

    Raises:
        SelectionError: With code `section`, `region` or `urgency`. The message names the value and the valid ones.

    """
    _check("section", sections, edition.sections)
    _check("region", regions, edition.regions)
    return Selection(
        tuple(sorted(set(sections))),
        tuple(sorted(set(regions))),
        None if urgency is None else _parse_urgency(urgency),
    )


def _check(kind: str, given: Sequence[str], vocabulary: dict[str, str]) -> None:
    for term in given:
        if term not in vocabulary:
            known = ", ".join(vocabulary)
            raise SelectionError(kind, f"this edition has no {kind} {term[:40]!a}: it has {known}")


def _parse_urgency(text: str) -> int:
    if len(text) == 1 and "1" <= text <= str(URGENCY_LEAST):
        return int(text)
    raise SelectionError("urgency", f"urgency {text[:40]!a} is not a number from 1 (flash) to {URGENCY_LEAST}")
