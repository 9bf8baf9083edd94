"""The names of the keys in Redis. All keys of an edition have one hash tag, so they share a Cluster slot."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ticker.core.edition import check_name
from ticker.core.position import history_of

EDITIONS: Final = "ticker:editions"
"""A set: the names of the editions that exist."""

TOKENS: Final = "ticker:tokens"
"""A hash: the tokens of the posting part as JSON, by id (see `ticker.store.tokens`)."""

REPLICATED: Final = "ticker:replicated"
"""A channel without subscribers: a message to it is the write that `ticker.store.replicated` waits for."""

_PARTS: Final = "ticker:parts:"


def parts_key(kind: str) -> str:
    """Return a key: the stream of the reports of a kind of part (a `Kind` of `ticker.core.parts`)."""
    return f"{_PARTS}{kind}"


class Keys:
    """The keys of the edition called `name`.

    Raises:
        SettingsError: If a name can't be part of a key (see `check_name`).

    """

    def __init__(self, name: str) -> None:
        self.name = check_name(name)
        self.edition = self._key("edition")
        """A hash: `settings` (JSON), `nonce` (the link before the first entry)."""
        self.log = self._key("log")
        """A stream with ids `<seq>-0`: fields `entry` (JSON) and `link`."""
        self.cursors = self._key("cursors")
        """A hash: the id of the last settled request of each editor."""
        self.editors = self._key("editors")
        """A hash: the editors whose inboxes the desk reads, each with its role (empty: the edition's default)."""
        self.bell = self._key("bell")
        """A stream of one entry (see `ticker.store.bell`)."""
        self.held = self._key("held")
        """A hash: the held items as JSON, by id. Never public."""
        self.reach = self._key("reach")
        """A stream: the gateways' reports of how many followers got which entries (see `ticker.store.reach`)."""
        self.relays = self._key("relays")
        """A stream: the relays' verdicts on the versions of lines (see `ticker.store.relays`)."""
        self.all_receipts = self._key("receipts:*")
        """A pattern: the receipts of every editor."""

    def inbox(self, editor: str) -> str:
        """A stream: the editor's requests that aren't settled yet, in the field `submission` (JSON)."""
        return self._key(f"inbox:{check_name(editor)}")

    def receipts(self, editor: str) -> str:
        """A stream: fields `receipt` (JSON), `submission` (the id in the inbox) and `until` (its deadline, if any)."""
        return self._key(f"receipts:{check_name(editor)}")

    def archive(self, nonce: str) -> str:
        """The key of a rotated log, which began with `nonce`."""
        return self._key(f"log:{history_of(nonce)}")

    def staged(self, nonce: str, kind: str) -> str:
        """The key of something that a restore has read, and not yet put in place. Redis deletes it after some time."""
        return self._key(f"restore:{history_of(nonce)}:{kind}")

    def _key(self, kind: str) -> str:
        return f"ticker:{{{self.name}}}:{kind}"


@lru_cache(maxsize=256)
def keys_of(name: str) -> Keys:
    """Return the keys of an edition. They are kept, so that this takes no time between a line and its readers."""
    return Keys(name)
