"""The output of `tick post --from`."""

from __future__ import annotations

import io
import json

import msgspec
import pytest

from publisher_cli.output.batch_report import WARNINGS_SHOWN, BatchReport
from ticker.console import Console
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.submission import Finding, Receipt, ReceiptStatus
from ticker.store.editions import StoredEdition

EN = StoredEdition("en", DEFAULT_EDITIONS["en"], "00" * 8)
ON_AIR = Receipt(status=ReceiptStatus.ON_AIR, edition="en", key="k")
CONTINUE = "to continue, run the same command again: it posts nothing twice"
WARNED = msgspec.structs.replace(ON_AIR, warnings=(Finding("attribution", "the line names no source"),))


class Output:
    """A report that writes to strings."""

    def __init__(self, *, is_json: bool = False) -> None:
        self._out, self._err = io.StringIO(), io.StringIO()
        console = Console({}, self._out, self._err)
        console.json = is_json
        self.report = BatchReport(console)

    @property
    def out(self) -> list[str]:
        return self._out.getvalue().splitlines()

    @property
    def err(self) -> list[str]:
        return self._err.getvalue().splitlines()


def test_line_on_air_without_findings_prints_nothing() -> None:
    output = Output()
    output.report.print_receipt(1, ON_AIR)
    assert output.out == output.err == []


def test_json_prints_each_receipt_with_its_line_number() -> None:
    output = Output(is_json=True)
    output.report.print_receipt(7, ON_AIR, is_new=False)
    (line,) = output.out
    assert (json.loads(line)["line"], json.loads(line)["status"]) == (7, "on-air")


def test_same_warning_is_printed_for_the_first_lines_and_then_counted() -> None:
    output = Output()
    for number in range(1, WARNINGS_SHOWN + 4):
        output.report.print_receipt(number, WARNED)
    assert len(output.err) == WARNINGS_SHOWN
    output.report.print_summary(EN, [WARNED] * (WARNINGS_SHOWN + 3), WARNINGS_SHOWN + 3, 0)
    assert output.err[-2:] == ["3 more lines have a warning [attribution]", "en  8 lines: 8 on air"]


@pytest.mark.parametrize(
    ("total", "answered", "summary"),
    [
        (2, 0, ["en  2 lines: 2 on air"]),
        (2, 1, ["en  2 lines: 2 on air, 1 of them from an earlier run"]),
        (
            3,
            0,
            ["en  3 lines: 2 on air, 1 not sent", "  to continue, run the same command again: it posts nothing twice"],
        ),
    ],
)
def test_summary_counts_the_lines_of_each_status(total: int, answered: int, summary: list[str]) -> None:
    output = Output()
    output.report.print_summary(EN, [ON_AIR, ON_AIR], total, answered)
    assert output.err == summary


def test_empty_file_has_nothing_to_post() -> None:
    output = Output()
    output.report.print_summary(EN, [], 0, 0)
    assert output.err == ["en  0 lines: nothing to post"]


def test_refused_lines_are_printed_with_their_numbers() -> None:
    output = Output()
    output.report.print_refused(EN, {3: (Finding("section", "no such section"),)})
    assert output.err == [
        "refused  line 3  no such section  [section]",
        "nothing was sent: correct 1 line, and run it again",
    ]


def test_dry_run_counts_what_would_happen() -> None:
    output = Output()
    held = msgspec.structs.replace(ON_AIR, status=ReceiptStatus.HELD)
    output.report.print_dry_run(EN, {1: ON_AIR, 2: held}, 4)
    assert output.err == ["en  1 would be on air, 1 would be held, 4 posted by an earlier run: nothing was sent"]
