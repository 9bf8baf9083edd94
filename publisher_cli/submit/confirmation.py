"""Ask an editor to confirm what a rule with the effect `ask` found. Only a terminal asks; programs use `--yes`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from ticker.console import Console
from ticker.core.submission import Finding, Receipt, ReceiptStatus


def only_asks(errors: Iterable[Finding]) -> bool:
    """Return whether there are errors and a confirmation overrides all of them."""
    found = list(errors)
    return bool(found) and all(finding.asks for finding in found)


def may_repeat_confirmed(console: Console, receipt: Receipt | None) -> bool:
    """Return whether the desk refused a request only until its editor confirms it, and the editor does so now."""
    if receipt is None or receipt.status is not ReceiptStatus.REFUSED or not only_asks(receipt.errors):
        return False
    return confirms(console, "send it all the same?")


def may_ask(console: Console) -> bool:
    """Return whether a person can answer a question on a terminal."""
    return console.is_watched and sys.stdin.isatty()


def confirms(console: Console, question: str) -> bool:
    """Ask on the terminal whether to send something, and return the answer. Return False without a terminal."""
    if not may_ask(console):
        return False
    is_confirmed = console.ask(question)
    if not is_confirmed:
        console.tell("nothing was sent")
    return is_confirmed
