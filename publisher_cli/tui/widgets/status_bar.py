"""The bars around the list: which edition this is, whether it is connected, and details of the selected row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalGroup
from textual.content import Content
from textual.widgets import Static

from publisher_cli.output import bidi, messages
from publisher_cli.output.held_content import content_lines
from publisher_cli.times import spell_duration, spell_instant
from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.model import Connection, EditionModel, State
from publisher_cli.tui.widgets.line_list import WIDE
from publisher_cli.tui.wrapping import wrapped
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import Change


class Bar(Static):
    """A text that is redrawn only when it changes."""

    def show(self, content: Content) -> None:
        if not isinstance(self.content, Content) or not self.content.is_same(content):
            self.update(content)


class StatusBar(VerticalGroup):
    """The edition, the state of the connection, a banner while it is lost, and the tabs."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Bar(id="title")
            yield Bar(id="state")
        yield Bar(" TEST EDITION · nothing here is for the public ", id="test", markup=False)
        yield Bar(id="banner")
        yield Bar(id="tabs")

    def show(
        self,
        model: EditionModel | None,
        connection: Connection,
        now: datetime,
        *,
        requested: str | None,
        editions: Sequence[str],
        pane: Pane,
    ) -> None:
        """Update all parts. `requested` is the edition to show as the title until the first model arrives."""
        self._bar("title").show(_title(model, requested))
        self._bar("state").show(_state(connection, model, now, self.app.size.width))
        self._bar("banner").show(_banner(connection, now))
        self._bar("banner").display = connection.state is State.LOST
        self._bar("test").display = model is not None and model.stored.edition.test
        self._bar("tabs").show(_tabs(editions, model, pane, now))

    def _bar(self, name: str) -> Bar:
        return self.query_one(f"#{name}", Bar)


class DetailsBar(Bar):
    """Details of the selected row that the row itself doesn't show."""

    def show_row(self, model: EditionModel, pane: Pane, row_id: str | None, now: datetime) -> None:
        details = " · ".join(_details(model, pane, row_id, now))
        self.show(wrapped(Content(details), self.app.size.width - 2))


def _title(model: EditionModel | None, requested: str | None) -> Content:
    if model is None:
        return Content(requested or "tick desk")
    title = bidi.isolated(model.stored.edition.title)
    return Content.styled(f"{model.name}  ", "bold $text-accent") + Content(title)


def _state(connection: Connection, model: EditionModel | None, now: datetime, width: int) -> Content:
    """Return the state of the connection, the number of the latest entry, its reach, and the time."""
    clock = f"{now.astimezone(None if model is None else model.zone):%H:%M:%S}"
    match connection.state:
        case State.LIVE if model is not None:
            editor = f" · {model.editor}, {model.role}" if width >= WIDE else ""
            parts = " · ".join(filter(None, (f"entry {model.seq:,}", _readers(model, now, width))))
            return Content.styled("● live", "bold $text-success") + Content(f" · {parts}{editor}  {clock}")
        case State.LOST:
            return Content.styled("✕ NOT CONNECTED", "bold $text-error") + Content(f"  {clock}")
        case _:
            return Content.styled("○ connecting", "bold $text-warning") + Content(f"  {clock}")


def _readers(model: EditionModel, now: datetime, width: int) -> str:
    reach = model.readers(now)
    if reach is None:
        return "no gateway reports readers" if model.seq else ""
    return messages.reach_text(reach, Change.NEW) if width >= WIDE else messages.count(reach.followers, "reader")


def _banner(connection: Connection, now: datetime) -> Content:
    if connection.state is not State.LOST:
        return Content("")
    since = f"{connection.since.astimezone():%H:%M:%S}"
    lasted_s = max(0, int((now - connection.since).total_seconds()))
    return Content(
        f"NOT CONNECTED since {since} ({lasted_s} s). The board may be out of date, and nothing goes on air.\n"
        f"{connection.reason}. Reconnecting."
    )


def _tabs(editions: Sequence[str], model: EditionModel | None, pane: Pane, now: datetime) -> Content:
    """Return the editions and the lists, with the current ones highlighted."""
    current = None if model is None else model.name
    parts = [_tab(f"{number} {name}", name == current) for number, name in enumerate(editions, 1)]
    parts.append(Content.styled("│", "$foreground 60%"))
    for each in Pane:
        label = each.value if model is None else f"{each.value} {_count(each, model, now)}"
        parts.append(_tab(label, each is pane))
    return Content(" ").join(parts)


def _tab(label: str, is_current: bool) -> Content:
    return Content.styled(f" {label} ", "bold reverse" if is_current else "$foreground 60%")


def _count(pane: Pane, model: EditionModel, now: datetime) -> str:
    if pane is Pane.BOARD:
        return str(len(model.on_board(now)))
    if model.held is None:
        return "?"
    return str(len(model.pending() if pane is Pane.PENDING else model.scheduled()))


def _details(model: EditionModel, pane: Pane, row_id: str | None, now: datetime) -> list[str]:
    if row_id is None:
        return []
    if pane is Pane.BOARD:
        entry = model.board.get(row_id)
        return [] if entry is None else _line_details(model, entry, now)
    held = model.held_by_id(row_id)
    return [] if held is None else _held_details(model, held, now)


def _line_details(model: EditionModel, entry: Entry, now: datetime) -> list[str]:
    line, edition = entry.line, model.stored.edition
    reach = model.reach(line.id)
    editor = entry.editor if entry.author is None else f"{entry.editor}, posted by {entry.author}"
    details = [f"{line.id} v{line.version} {line.change} by {editor}"]
    if reach is not None:
        details.append(messages.reach_text(reach, line.change))
    if line.expires_at is not None:
        details.append(f"expires {spell_duration(line.expires_at - now)}")
    if line.is_pinned(now) and line.pinned_until is not None:
        details.append(f"pinned, ends {spell_duration(line.pinned_until - now)}")
    if entry.approved_by is not None:
        details.append(f"approved by {entry.approved_by}")
    if entry.break_glass is not None:
        details.append(f"glass broken: {bidi.isolated(entry.break_glass)}")
    if line.coverage is not None:
        details.append(f"story {bidi.isolated(line.coverage)}")
    details += [bidi.isolated(edition.regions.get(region, region)) for region in line.regions]
    details += [line.url or "", "" if entry.note is None else f"note: {bidi.isolated(entry.note)}"]
    return [detail for detail in details if detail]


def _held_details(model: EditionModel, held: Held, now: datetime) -> list[str]:
    details = [f"{held.id} {held.submission.change} by {held.editor}: {held.reason}"]
    details += content_lines(held.submission, model.stored.edition, now, model.zone)
    details += [finding.detail for finding in held.needs]
    if held.due_at is not None:
        details.append(f"due {spell_instant(held.due_at, now, model.zone)}")
    if held.approved_by is not None:
        details.append(f"approved by {held.approved_by}")
    return details
