"""Load the held items of an edition, with the lines and roles that describe them."""

from __future__ import annotations

import msgspec

from publisher_cli.history import latest_entries
from ticker.core.edition import Role
from ticker.core.held import Held, content_mark
from ticker.core.line import Direction, Line
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition
from ticker.store.editors import roles
from ticker.store.held import read_held


class HeldItems(msgspec.Struct, frozen=True):
    """The held items of an edition, by id, the oldest first.

    `lines` are the latest versions of the lines that they would change, a hidden line with its hidden text. `roles` are
    the editors' roles, without those who have the default.
    """

    stored: StoredEdition
    held: dict[str, Held]
    lines: dict[str, Line]
    roles: dict[str, Role | None]

    def line_of(self, held: Held) -> Line | None:
        """Return the line that the item would change, or None for a new line."""
        return None if held.submission.id is None else self.lines.get(held.submission.id)

    def direction_of(self, held: Held) -> Direction:
        line = self.line_of(held)
        return self.stored.edition.dir if line is None else line.dir

    def mark_of(self, held: Held) -> str:
        """Return the mark of what these items show: the item, and the version of the line that it would change."""
        line = self.line_of(held)
        return content_mark(held, None if line is None else line.version)

    def is_outdated(self, held: Held) -> bool:
        """Return True if the line has another version than the one that the item would change."""
        line = self.line_of(held)
        return line is not None and line.version != held.submission.version

    def role_of(self, held: Held) -> Role:
        """Return the role of the editor who submitted the item."""
        return self.roles.get(held.editor) or self.stored.edition.role


async def load_held_items(redis: Redis, stored: StoredEdition) -> HeldItems:
    held = {held_id: item for held_id, (_, item) in (await read_held(redis, stored.name)).items()}
    ids = {item.submission.id for item in held.values() if item.submission.id is not None}
    lines: dict[str, Line] = {}
    if ids:
        async for entry in latest_entries(redis, stored.name):
            if entry.line.id in ids:
                shown = entry.hidden_version or entry.line
                lines[entry.line.id] = msgspec.structs.replace(shown, version=entry.line.version)
            if len(lines) == len(ids):
                break
    return HeldItems(stored, held, lines, await roles(redis, stored.name))
