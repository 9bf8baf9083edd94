"""Print the receipts of a batch, a progress bar while it runs, and a summary at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from publisher_cli.output import messages
from ticker.console import Console
from ticker.core.submission import Finding, Receipt, ReceiptStatus
from ticker.store.editions import StoredEdition

if TYPE_CHECKING:
    from rich.progress import Progress

WARNINGS_SHOWN: Final = 5
"""How many warnings with the same code are printed. The others are counted."""

_NAMES: Final = {
    ReceiptStatus.ON_AIR: "on air",
    ReceiptStatus.HELD: "held",
    ReceiptStatus.REFUSED: "refused",
    ReceiptStatus.DROPPED: "taken back",
    ReceiptStatus.LATE: "NOT ON AIR",
    ReceiptStatus.NOT_ON_AIR: "NOT ON AIR",
}


class BatchReport:
    """The output of one run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._warned: Counter[str] = Counter()

    @contextmanager
    def progress(self, total: int) -> Iterator[None]:
        """Show a progress bar inside the context, if a person watches a terminal."""
        if self._console.json or not self._console.err.isatty():
            yield
            return
        from rich.console import Console as Terminal  # noqa: PLC0415 -- slow to import, and only needed on a terminal
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 -- as above

        terminal = Terminal(file=self._console.err, no_color=not self._console.has_colour)
        columns = (TextColumn("posting"), BarColumn(), MofNCompleteColumn(), TextColumn("Ctrl-C stops after a line"))
        with Progress(*columns, console=terminal, transient=True) as self._bar:
            self._bar.add_task("posting", total=total)
            yield
        self._bar = None

    def print_receipt(self, number: int, receipt: Receipt, *, is_new: bool = True, is_dry_run: bool = False) -> None:
        """Print a receipt as JSON, or as text the findings of a new receipt. A line without findings prints nothing."""
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])
        if self._console.json:
            more = {"dry_run": True} if is_dry_run else {}
            self._console.give({"line": number, **msgspec.to_builtins(receipt), **more})
            return
        if not is_new:
            return
        for word, findings in (("refused", receipt.errors), ("held", receipt.needs)):
            for finding in findings:
                self._tell(f"line {number}: {word}: {finding.detail}")
        for finding in receipt.warnings:
            self._warned[finding.code] += 1
            if self._warned[finding.code] <= WARNINGS_SHOWN:
                self._tell(f"line {number}: warning: {finding.detail}")

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
        if unsent or counts[ReceiptStatus.NOT_ON_AIR] or counts[ReceiptStatus.LATE]:
            self._console.tell("  to continue, run the same command again: it posts nothing twice")

    def _print_hidden_warnings(self) -> None:
        """Print how many more lines had a warning that was shown for the first few lines."""
        for code, times in self._warned.items():
            if times > WARNINGS_SHOWN:
                more = messages.count(times - WARNINGS_SHOWN, "more line has", "more lines have")
                self._console.tell(f"{more} a warning [{code}]")

    def _tell(self, text: str) -> None:
        """Print above the progress bar, if there is one."""
        if self._bar is None:
            self._console.tell(text)
        else:
            self._bar.console.print(text, markup=False, highlight=False)
