"""Misspelt environment variables are reported, and others are not."""

from __future__ import annotations

import io

import pytest

from publisher_cli.variables import report_unknown_variables
from ticker.console import Console
from ticker.variables import OTHERS


def reported(*names: str) -> str:
    err = io.StringIO()
    report_unknown_variables(Console(dict.fromkeys(names, "x"), io.StringIO(), err))
    return err.getvalue()


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("TICKER_REDIS_ULR", "did you mean TICKER_REDIS_URL?"),
        ("TICKER_XYLOPHONE", "TICKER_XYLOPHONE has no meaning and is ignored\n"),
        ("TICK_EDITON", "did you mean TICK_EDITION?"),
        ("TICK_EDTIOR", "did you mean TICK_EDITOR?"),
    ],
)
def test_misspelt_variable_is_reported_with_the_nearest_name(name: str, warning: str) -> None:
    assert warning in reported(name)


def test_known_and_foreign_variables_are_not_reported() -> None:
    assert reported(*OTHERS, "TICK_EDITION", "TICK_EDITOR", "TICK_STACK_HOME", "TICKER_RETAINED", "HOME") == ""
