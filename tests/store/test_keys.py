"""The names of keys: one hash tag an edition, and nothing in them that a name could smuggle in."""

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
def test_a_name_that_can_not_stand_in_a_key_is_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        Keys(name)
    with pytest.raises(SettingsError):
        Keys("en").inbox(name)
    with pytest.raises(SettingsError):
        Keys("en").receipts(name)
