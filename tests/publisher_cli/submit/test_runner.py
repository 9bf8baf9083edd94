"""A command that is interrupted, or fails, after its outcome is known or open."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redis.exceptions import RedisClusterException

from publisher_cli.submit import line_change, runner, undo_window
from publisher_cli.submit.request import ChangeRequest
from tests.support.commands import Post
from tests.support.in_process import Command, new
from tests.support.system import System
from ticker.client import pending_request
from ticker.core.errors import StoreError
from ticker.core.line import Change
from ticker.core.submission import Receipt
from ticker.store.receipts import StoredReceipt, await_receipt


def interrupt(*_: object, **__: object) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_while_waiting_for_the_reach_prints_the_receipt(
    system: System, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr(runner, "with_reach", interrupt)
    command = Command(system, json=as_json)
    assert command.send(new("Court: Interrupted after all")) == 130
    assert command.err.getvalue() == ""
    if as_json:
        assert json.loads(command.out.getvalue())["status"] == "on-air"
    else:
        assert command.out.getvalue().startswith("on air  en ")


def test_ctrl_c_while_finding_related_lines_prints_the_receipt_once(
    system: System, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    line_id = post("A story that is interrupted", "--story", "interrupted-1")
    monkeypatch.setattr(line_change, "find_related_lines", interrupt)
    command = Command(system)
    assert command.send(ChangeRequest(change=Change.WITHDRAW, line=line_id, fields={"reason": "It was wrong."})) == 130
    assert command.out.getvalue().startswith("withdrawn  en ")
    assert command.out.getvalue().count("\n") == 1
    assert command.err.getvalue() == ""


def test_unreadable_receipt_is_unconfirmed(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreadable(*_: object, **__: object) -> None:
        raise StoreError("receipt 1-0 can't be read by this version")

    monkeypatch.setattr(pending_request, "await_receipt", unreadable)
    command = Command(system, json=True)
    assert command.send(new("Sent to another version")) == 6
    (error,) = json.loads(command.out.getvalue())["errors"]
    assert error["code"] == "unconfirmed"
    assert "it may be on air" in error["detail"]


def test_receipt_is_awaited_again_after_a_cluster_error(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    async def gone(*words: Any, **named: Any) -> StoredReceipt | None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RedisClusterException("no node can be reached")
        return await await_receipt(*words, **named)

    monkeypatch.setattr(pending_request, "await_receipt", gone)
    command = Command(system, json=True)
    assert command.send(new("Heard of later")) == 0
    assert (calls, json.loads(command.out.getvalue())["status"]) == (2, "on-air")


@pytest.mark.parametrize("as_json", [False, True])
def test_window_without_a_final_receipt_prints_its_warnings_once(
    system: System, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    async def unanswered(window: undo_window.Window, *_: object) -> Receipt:
        return window._held  # as if no desk answered in time

    monkeypatch.setattr(undo_window.Window, "final", unanswered)
    command = Command(system, json=as_json)
    assert command.send(new("Nobody says it", undo_s=60.0)) == 5
    printed = command.out.getvalue() + command.err.getvalue()
    assert printed.count("the line names no source") == 1
    assert system.tick("cancel", "last", "-e", "en").code == 0
