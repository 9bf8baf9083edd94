"""The lines around the list: which edition this is, how the connection is, and what is known of the line chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from textual.content import Content

from publisher_cli.output import bidi, messages
from publisher_cli.times import spell_duration, spell_instant
from publisher_cli.tui.bindings import Pane
from publisher_cli.tui.model import Connection, Picture, State
from publisher_cli.tui.widgets.line_list import WIDE
from ticker.core.entry import Entry
from ticker.core.held import Held
from ticker.core.line import Change


def title(picture: Picture | None, asked: str | None) -> Content:
    if picture is None:
        return Content(asked or "tick desk")
    return Content.styled(f"{picture.name}  ", "bold $text-accent") + Content(
        bidi.isolated(picture.stored.edition.title)
    )


def state(connection: Connection, picture: Picture | None, now: datetime, width: int) -> Content:
    """Whether what shows is live, which entry is the last, and who has it."""
    clock = f"{now.astimezone(None if picture is None else picture.zone):%H:%M:%S}"
    match connection.state:
        case State.LIVE if picture is not None:
            who = f" · {picture.editor}, {picture.role}" if width >= WIDE else ""
            parts = " · ".join(filter(None, (f"entry {picture.seq:,}", _readers(picture, now, width))))
            return Content.styled("● live", "bold $text-success") + Content(f" · {parts}{who}  {clock}")
        case State.LOST:
            return Content.styled("✕ NOT CONNECTED", "bold $text-error") + Content(f"  {clock}")
        case _:
            return Content.styled("○ connecting", "bold $text-warning") + Content(f"  {clock}")


def _readers(picture: Picture, now: datetime, width: int) -> str:
    reach = picture.readers(now)
    if reach is None:
        return "no gateway tells of readers" if picture.seq else ""
    return messages.reach_words(reach, Change.NEW) if width >= WIDE else messages.count(reach.followers, "reader")


def banner(connection: Connection, now: datetime) -> Content:
    if connection.state is not State.LOST:
        return Content("")
    since = f"{connection.since.astimezone():%H:%M:%S}"
    lasted = max(0, int((now - connection.since).total_seconds()))
    return Content(
        f"NOT CONNECTED since {since} ({lasted} s). What shows may be out of date, and nothing goes on air.\n"
        f"{connection.why}. It tries again by itself."
    )


def places(editions: Sequence[str], picture: Picture | None, pane: Pane, now: datetime) -> Content:
    """The editions and the lists, each with where we are set apart."""
    current = None if picture is None else picture.name
    parts = [_tab(f"{number} {name}", name == current) for number, name in enumerate(editions, 1)]
    parts.append(Content.styled("│", "$foreground 60%"))
    for each in Pane:
        label = each.value if picture is None else f"{each.value} {_count(each, picture, now)}"
        parts.append(_tab(label, each is pane))
    return Content(" ").join(parts)


def _tab(label: str, is_current: bool) -> Content:
    return Content.styled(f" {label} ", "bold reverse" if is_current else "$foreground 60%")


def _count(pane: Pane, picture: Picture, now: datetime) -> str:
    if pane is Pane.BOARD:
        return str(len(picture.on_board(now)))
    if picture.held is None:
        return "?"
    return str(len(picture.pending() if pane is Pane.PENDING else picture.scheduled()))


def nothing(picture: Picture, what: str) -> str:
    """Why a list is empty."""
    if picture.held is None:
        return "your Redis user may not see what is held: have it made anew with `ticker editor add`"
    return f"there is nothing {what}"


def chosen(picture: Picture, pane: Pane, line_id: str | None, now: datetime) -> Content:
    """What is known of the line chosen besides its row."""
    if line_id is None:
        return Content("")
    if pane is not Pane.BOARD:
        held = picture.held_by_id(line_id)
        return Content("" if held is None else " · ".join(_held_words(held, now, picture.zone)))
    entry = picture.board.get(line_id)
    return Content("" if entry is None else " · ".join(_line_words(picture, entry, now)))


def _line_words(picture: Picture, entry: Entry, now: datetime) -> list[str]:
    line, edition = entry.line, picture.stored.edition
    reach = picture.reach(line.id)
    by = entry.editor if entry.author is None else f"{entry.editor}, posted by {entry.author}"
    facts = [f"{line.id} v{line.version} {line.change} by {by}"]
    if reach is not None:
        facts.append(messages.reach_words(reach, line.change))
    if line.expires_at is not None:
        facts.append(f"expires {spell_duration(line.expires_at - now)}")
    if line.is_pinned(now) and line.pinned_until is not None:
        facts.append(f"pinned, ends {spell_duration(line.pinned_until - now)}")
    if entry.approved_by is not None:
        facts.append(f"approved by {entry.approved_by}")
    if entry.break_glass is not None:
        facts.append(f"glass broken: {bidi.isolated(entry.break_glass)}")
    if line.coverage is not None:
        facts.append(f"story {bidi.isolated(line.coverage)}")
    facts += [bidi.isolated(edition.regions.get(region, region)) for region in line.regions]
    facts += [line.url or "", "" if entry.note is None else f"note: {bidi.isolated(entry.note)}"]
    return [fact for fact in facts if fact]


def _held_words(held: Held, now: datetime, zone: tzinfo | None) -> list[str]:
    facts = [f"{held.id} {held.submission.change} by {held.editor}: {held.reason}"]
    facts += [finding.detail for finding in held.needs]
    if held.due_at is not None:
        facts.append(f"due {spell_instant(held.due_at, now, zone)}")
    if held.approved_by is not None:
        facts.append(f"approved by {held.approved_by}")
    return facts
