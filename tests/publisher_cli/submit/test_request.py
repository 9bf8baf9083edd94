"""The fields of a submission, from the options that an editor typed."""

from __future__ import annotations

import pytest

from publisher_cli.submit.request import content_fields, undo_window_s
from ticker.core.errors import SettingsError


def test_option_that_was_not_given_is_not_a_field() -> None:
    assert content_fields() == ({"split_attribution": True, "again": False, "confirmed": False}, {})


def test_empty_option_removes_the_field() -> None:
    fields, times = content_fields(section="", url="", attribution="", story="", expires="", regions=("",))
    assert [fields[name] for name in ("section", "url", "attribution", "coverage", "expires_at")] == [None] * 5
    assert fields["regions"] == ()
    assert times == {}


def test_options_become_the_fields_of_the_same_meaning() -> None:
    fields, _ = content_fields(
        section="sports", regions=("asia", "europe"), urgency=2, story="cup", no_split=True, undo="5s", again=True
    )
    assert fields == {
        "section": "sports",
        "regions": ("asia", "europe"),
        "urgency": 2,
        "coverage": "cup",
        "split_attribution": False,
        "undo_s": 5.0,
        "again": True,
        "confirmed": False,
    }


def test_times_stay_text() -> None:
    _, times = content_fields(expires="2h", pin="30m", at="14:30", embargo="tomorrow 9:00")
    assert times == {
        "expires_at": "2h",
        "pinned_until": "30m",
        "publish_at": "14:30",
        "embargo_until": "tomorrow 9:00",
    }


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5), ("1m", 60), ("0", 0), (" 7 ", 7), ("300", 300)])
def test_undo_window_is_a_duration_or_a_number_of_seconds(text: str, seconds: float) -> None:
    assert undo_window_s(text) == seconds


@pytest.mark.parametrize("text", ["301", "1h", "-5s", "soon", "", "5.5"])
def test_other_undo_window_is_refused_with_the_limit(text: str) -> None:
    with pytest.raises(SettingsError, match=r"isn't an undo window: write 5s.*The longest is 300 s"):
        undo_window_s(text)
