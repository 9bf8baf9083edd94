from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.relay_simulation import START, line
from ticker.core.errors import StoreError
from ticker.core.line import Status
from ticker.core.messages import LineMessage
from ticker.relay.book import Limits
from ticker.relay.plan import Plan
from ticker.relay.records import RouteState
from ticker.relay.state import StateFile, read_state, routes_in, state_file

NOW = START.timestamp()


def test_stored_state_is_read_again_and_a_second_relay_is_refused(tmp_path: Path) -> None:
    path = state_file(tmp_path / "new", "cms", "en")
    with StateFile(path) as state:
        plan = Plan(Limits(), RouteState(position="0-x"))
        plan.receive(LineMessage("1-x", line("a", 1, 1)), NOW)
        plan.start(NOW)
        state.save(plan.take_changes())
        assert read_state(path) == state.load() == (plan.state, list(plan.records.values()))
        with pytest.raises(StoreError, match="another relay"), StateFile(path):
            pass
    assert routes_in(tmp_path / "new") == [("cms", "en")]
    assert path.stat().st_mode & 0o077 == 0


def test_withdrawn_text_is_not_left_in_the_file(tmp_path: Path) -> None:
    path = state_file(tmp_path, "cms", "en")
    with StateFile(path) as state:
        plan = Plan(Limits(), RouteState(position="0-x"))
        plan.receive(LineMessage("1-x", line("a", 1, 1, text="The secret text")), NOW)
        plan.start(NOW)
        state.save(plan.take_changes())
        assert b"The secret text" in path.read_bytes()
        plan.receive(LineMessage("2-x", line("a", 2, 1, Status.CANCELED)), NOW)
        state.save(plan.take_changes())
    assert all(b"The secret text" not in each.read_bytes() for each in tmp_path.iterdir())


def test_damaged_state_is_refused_and_not_begun_anew(tmp_path: Path) -> None:
    path = state_file(tmp_path, "cms", "en")
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="can't be used"), StateFile(path) as state:
        state.load()
