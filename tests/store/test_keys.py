"""The names of keys: one hash tag per edition, and no name that could inject another."""

from __future__ import annotations

import pytest

from ticker.core.errors import SettingsError
from ticker.store.keys import Keys

BAD_NAMES = ("", "En", "a}b", "a:b", "a b", "../x", "é", "1en", "a" * 33, "en\n")


def test_every_key_of_an_edition_has_its_hash_tag() -> None:
    keys = Keys("en")
    named = [keys.edition, keys.log, keys.cursors, keys.editors, keys.bell, keys.held, keys.reach]
    made = [keys.inbox("ann"), keys.receipts("ann"), keys.archive("ab" * 32)]
    assert all(key.startswith("ticker:{en}:") for key in named + made)
    assert len(set(named + made)) == 10


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_can_not_be_part_of_a_key_is_rejected(name: str) -> None:
    with pytest.raises(SettingsError):
        Keys(name)
    with pytest.raises(SettingsError):
        Keys("en").inbox(name)
    with pytest.raises(SettingsError):
        Keys("en").receipts(name)
