"""Time limits for a busy machine: a limit of a test only ends a test that hangs."""

from __future__ import annotations

import inspect

import httpx

from tests.support.waiting import WAIT_S
from ticker.client import pending_request

REPORT_S = 20.0


def let_servers_answer_late() -> None:
    """Raise the default time limits of httpx from 5 s to `WAIT_S`. Requests that name a limit keep it."""
    default = inspect.signature(httpx.Client).parameters["timeout"].default
    assert isinstance(default, httpx.Timeout)
    default.connect = default.read = default.write = default.pool = WAIT_S


def let_gateways_report_late() -> None:
    """Let `tick` wait for the gateways' reports for `REPORT_S`, not 0.3 s, so that a receipt always has a reach."""
    vars(pending_request)["REACH_S"] = REPORT_S
