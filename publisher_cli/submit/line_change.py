"""Submit a change of a line that exists: find the line, and name the related lines after a withdrawal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from publisher_cli.exit_codes import Status
from publisher_cli.history import NamedByWordsError, UnknownLineError, find_line, find_related_lines
from publisher_cli.output import bidi, messages
from publisher_cli.submit.change import ChangeRunner, run_change
from publisher_cli.submit.confirmation import confirms, may_ask
from publisher_cli.submit.request import ChangeRequest, SubmitOptions
from ticker.console import Console
from ticker.core.line import LINE_ID, Change
from ticker.core.submission import Receipt, ReceiptStatus
from ticker.store.editions import StoredEdition

if TYPE_CHECKING:
    from ticker.store.direct import AnyRedis

_SHOWS_RELATED: Final = (Change.WITHDRAW, Change.CORRECT)


def submit_line_change(console: Console, options: SubmitOptions, change: ChangeRequest) -> int:
    """Submit a change of a line, print its receipt, and return the exit code.

    On a terminal, ask if a rule asks, and if the line is named by a word of its text and no other line has this word.

    Raises:
        TickerError: If the command is not valid. Nothing was sent.

    """
    try:
        return run_change(LineChangeRunner, console, options, change)
    except NamedByWordsError as error:
        if not may_ask(console):
            raise
        line = error.entry.hidden_version or error.entry.line
        text = bidi.isolated(messages.line_text(line), line.dir)
        words = filter(None, (change.change, options.edition, line.id, f'"{text}"?'))
        if not confirms(console, " ".join(words)):
            return Status.USAGE
        return run_change(LineChangeRunner, console, options, msgspec.structs.replace(change, line=line.id))


class LineChangeRunner(ChangeRunner):
    """Runs a change of a line that exists."""

    async def prepare_line(self, redis: AnyRedis, stored: StoredEdition, editor: str) -> None:
        """Complete the request with the id and the version of the line.

        Raises:
            UnknownLineError: If the name fits no line, or several. A forgotten line may have any whole id.

        """
        name = self.change.line
        assert name is not None
        try:
            entry = await find_line(redis, stored.name, name, editor)
        except UnknownLineError as error:
            is_whole_id, is_forgotten = LINE_ID.fullmatch(name) is not None, self.request.forgotten
            if isinstance(error, NamedByWordsError) and not is_forgotten:
                raise
            if is_forgotten and not is_whole_id:
                raise UnknownLineError(f"{error}; for a forgotten line, type its whole id") from error
            if is_whole_id and not is_forgotten and self.request.change is Change.WITHDRAW:
                raise UnknownLineError(f"{error}; if it is so old that it was forgotten, add --forgotten") from error
            if not is_forgotten:
                raise
            self.request = msgspec.structs.replace(self.request, id=name)
            return
        self.line = entry.hidden_version or entry.line
        # Name the version, so that the desk refuses the change if someone else changes the line first.
        version = entry.line.version if self.change.version is None else self.change.version
        self.request = msgspec.structs.replace(self.request, id=entry.line.id, version=version)

    async def print_settled(self, redis: AnyRedis, receipt: Receipt) -> int:
        """Print the receipt. After a withdrawal or a correction, also print the lines of the same story elsewhere."""
        shows_related = self.request.change in _SHOWS_RELATED and receipt.status is ReceiptStatus.ON_AIR
        if self.line is None or not shows_related:
            return self.print_once(receipt)
        if not self.console.json:
            self.print_once(receipt)
        related = await find_related_lines(redis, receipt.edition, self.line, datetime.now(UTC))
        code = self.print_once(receipt, related=related)
        if not self.console.json:
            for line in messages.related_lines(related, self.request):
                self.console.tell(line)
        return code
