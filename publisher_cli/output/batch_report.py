"""Print the receipts of a batch, a progress bar while it runs, and a summary at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from publisher_cli.output import messages
from ticker.console import Console
from ticker.core.submission import Finding, Receipt, ReceiptStatus
from ticker.store.editions import StoredEdition

WARNINGS_SHOWN: Final = 5
"""How many warnings with the same code are printed. The others are counted."""

_NAMES: Final = {
    ReceiptStatus.ON_AIR: "on air",
    ReceiptStatus.HELD: "held",
    ReceiptStatus.REFUSED: "refused",
    ReceiptStatus.DROPPED: "taken back",
    ReceiptStatus.LATE: "NOT ON AIR",
    ReceiptStatus.NOT_ON_AIR: "NOT ON AIR",
    ReceiptStatus.UNKNOWN: "UNKNOWN",
}


UNDECIDED: Final = (ReceiptStatus.NOT_ON_AIR, ReceiptStatus.LATE, ReceiptStatus.UNKNOWN)
"""The statuses after which a line may be sent again with the same key."""


class BatchReport:
    """The output of one run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0
        self._has_waited = False
        self._warned: Counter[str] = Counter()

    @contextmanager
    def progress(self, total: int) -> Iterator[None]:
        """Show inside the context how many of `total` lines are done, if a person watches."""
        self._total = total
        self._show_progress()
        try:
            yield
        finally:
            self._total = 0
            self._console.show_progress("")

    def print_receipt(self, number: int, receipt: Receipt, *, is_new: bool = True, is_dry_run: bool = False) -> None:
        """Print a receipt as JSON, or as text the findings of a new receipt. A line without findings prints nothing."""
        self._done += 1
        if self._console.json:
            more = {"dry_run": True} if is_dry_run else {}
            self._console.give({"line": number, **msgspec.to_builtins(receipt), **more})
            return
        if not is_new:
            return
        for word, findings in (("refused", receipt.errors), ("held", receipt.needs)):
            for finding in findings:
                self._console.tell(f"line {number}: {word}: {finding.detail}")
        for finding in receipt.warnings:
            self._warned[finding.code] += 1
            if self._warned[finding.code] <= WARNINGS_SHOWN:
                self._console.tell(f"line {number}: warning: {finding.detail}")
        self._show_progress()

    def print_wait(self, receipt: Receipt) -> None:
        """Print once that a limit delays the lines."""
        if not self._has_waited and not self._console.json:
            self._has_waited = True
            self._console.tell(f"waiting: {receipt.errors[0].detail}")
            self._show_progress()

    def print_dry_run(self, stored: StoredEdition, receipts: Mapping[int, Receipt], answered: int) -> None:
        """Print what would happen to each line. `answered` lines were posted by an earlier run."""
        for number, receipt in receipts.items():
            self.print_receipt(number, receipt, is_dry_run=True)
        self._print_hidden_warnings()
        counts = Counter(receipt.status for receipt in receipts.values())
        parts = [f"{counts[status]:,} would be {name}" for status, name in _NAMES.items() if counts[status]]
        parts += [f"{answered:,} posted by an earlier run"] if answered else []
        summary = ", ".join(parts) or "the file has no lines"
        self._console.tell(f"{messages.name_of(stored)}  {summary}: nothing was sent")

    def print_refused(self, stored: StoredEdition, refused: Mapping[int, tuple[Finding, ...]]) -> None:
        """Print why some lines can't be posted."""
        for number, errors in sorted(refused.items()):
            if self._console.json:
                document = {"status": ReceiptStatus.REFUSED, "edition": stored.name, "line": number, "errors": errors}
                self._console.give(document)
                continue
            for finding in errors:
                self._console.tell(messages.refused_text(f"line {number}", finding))
        self._console.tell(f"nothing was sent: correct {messages.count(len(refused), 'line')}, and run it again")

    def print_summary(self, stored: StoredEdition, receipts: Iterable[Receipt], total: int, answered: int) -> None:
        """Print how many lines have which status. `answered` of them come from an earlier run."""
        self._print_hidden_warnings()
        counts = Counter(receipt.status for receipt in receipts)
        unsent = total - counts.total()
        parts = [f"{counts[status]:,} {name}" for status, name in _NAMES.items() if counts[status]]
        parts += [f"{answered:,} of them from an earlier run"] if answered else []
        parts += [f"{unsent:,} not sent"] if unsent else []
        lines = messages.count(total, "line")
        self._console.tell(f"{messages.name_of(stored)}  {lines}: {', '.join(parts) or 'nothing to post'}")
        if unsent or any(counts[status] for status in UNDECIDED):
            self._console.tell("  to continue, run the same command again: it posts nothing twice")

    def _print_hidden_warnings(self) -> None:
        """Print how many more lines had a warning that was shown for the first few lines."""
        for code, times in self._warned.items():
            if times > WARNINGS_SHOWN:
                more = messages.count(times - WARNINGS_SHOWN, "more line has", "more lines have")
                self._console.tell(f"{more} a warning [{code}]")

    def _show_progress(self) -> None:
        if self._total:
            done, total = f"{self._done:,}", f"{self._total:,}"
            self._console.show_progress(f"  posting: {done} of {total} lines; Ctrl-C stops after a line")
