"""The names of the keys in Redis. All keys of an edition have one hash tag, so they share a Cluster slot."""

from __future__ import annotations

from typing import Final

import msgspec

from ticker.core.edition import check_name
from ticker.core.position import MARK_DIGITS

EDITIONS: Final = "ticker:editions"
"""A set: the names of the editions that exist."""


class Keys(msgspec.Struct, frozen=True):
    """The keys of the edition called `name`.

    Raises:
        SettingsError: If a name can't be part of a key (see `check_name`).

    """

    name: str

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def edition(self) -> str:
        """A hash: `settings` (JSON), `nonce` (the link before the first entry)."""
        return self._key("edition")

    @property
    def log(self) -> str:
        """A stream with ids `<seq>-0`: fields `entry` (JSON) and `link`."""
        return self._key("log")

    @property
    def cursors(self) -> str:
        """A hash: the id of the last settled request of each editor."""
        return self._key("cursors")

    @property
    def editors(self) -> str:
        """A hash: the editors whose inboxes the desk reads, each with its role (empty: the edition's default)."""
        return self._key("editors")

    @property
    def bell(self) -> str:
        """A stream of one entry, added when the editors change: it wakes a desk that blocks on the known inboxes."""
        return self._key("bell")

    @property
    def held(self) -> str:
        """A hash: the held items as JSON, by id. Never public."""
        return self._key("held")

    @property
    def reach(self) -> str:
        """A stream: the gateways' reports of how many followers got which entries (see `ticker.store.reach`)."""
        return self._key("reach")

    def inbox(self, editor: str) -> str:
        """A stream: the editor's requests that aren't settled yet, in the field `submission` (JSON)."""
        return self._key(f"inbox:{check_name(editor)}")

    def receipts(self, editor: str) -> str:
        """A stream: fields `receipt` (JSON), `submission` (the id in the inbox) and `until` (its deadline, if any)."""
        return self._key(f"receipts:{check_name(editor)}")

    @property
    def all_receipts(self) -> str:
        """A pattern: the receipts of every editor."""
        return self._key("receipts:*")

    def archive(self, nonce: str) -> str:
        """The key of a rotated log, which began with `nonce`."""
        return self._key(f"log:{nonce[:MARK_DIGITS]}")

    def _key(self, kind: str) -> str:
        return f"ticker:{{{self.name}}}:{kind}"
