"""`tick audit`: who did what, when and why, from the log and the receipts alone, and whether the log proves it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click
import msgspec

from publisher_cli import completing
from publisher_cli.exit_codes import Status
from publisher_cli.session import Session, data_option, edition_option, find_edition
from publisher_cli.times import find_zone, parse_duration, parse_iso
from ticker.console import Console, examples, shared_options
from ticker.core.edition import Role, check_name, is_name
from ticker.core.errors import LinkError, SettingsError

if TYPE_CHECKING:
    from ticker.core.audit import Act, Audit, Chain, Received
    from ticker.core.entry import Logged
    from ticker.store.connection import Redis
    from ticker.store.editions import StoredEdition

_FORMS: Final = "write how long ago it was (2h, 3d) or when (14:30, 2026-11-24, 2026-11-24T14:30)"
_TIME_OF_DAY: Final = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)


@click.command(
    short_help="Show who did what, and prove it.",
    epilog=examples(
        "tick audit -e en --since 2h",
        "tick audit k7m2 -e en",
        "tick audit -e en --editor omar --since 2026-11-24 --json",
    ),
)
@click.argument("line_id", metavar="[ID]", required=False, shell_complete=completing.lines)
@edition_option
@click.option("--since", metavar="TIME", help="Only what was done since: 2h (ago), 14:30, 2026-11-24T14:30.")
@click.option("--editor", "who", metavar="NAME", help="Only that in which this editor had a part.")
@data_option
@shared_options
@click.pass_obj
def audit(
    console: Console,
    /,
    *,
    line_id: str | None,
    edition: str | None,
    since: str | None,
    who: str | None,
    data: Path | None,
) -> Status:
    """Show who did what, when, from where and with whose consent, with each text before and after.

    It is told from the log, whose links are checked as it is read, and from the desk's receipts (what was refused,
    rejected, cancelled or late), so nobody can edit it. Texts that were taken back stand here: it is for the session.
    Ends with 1 if the log doesn't hold.
    """
    from publisher_cli.output.audit_report import tell_audit  # noqa: PLC0415 -- only what shows something pays for it
    from ticker.core.audit import of_editor, of_line  # noqa: PLC0415

    now = datetime.now(UTC)
    stored, found = asyncio.run(_find(Session.find(console, data), edition))
    begun = None if since is None else parse_past(since, now, find_zone(stored.edition.zone))
    acts = found.acts
    if line_id is not None:
        acts = of_line(acts, {_named(acts, line_id, stored.name)})
    if who is not None:
        acts = of_editor(acts, check_name(who))
    if begun is not None:
        acts = [act for act in acts if act.settled_at >= begun]
    tell_audit(console, stored, msgspec.structs.replace(found, acts=acts))
    return Status.DONE if found.chain.holds else Status.FAILED


def parse_past(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """An instant that has passed: how long ago (`2h`), the last such time of day (`14:30`), or a time of ISO 8601.

    What has no offset is by the clock of `zone` (None: of this machine).

    Raises:
        SettingsError: If it is none of these, or still to come.

    """
    duration = parse_duration(text)
    if duration is not None:
        return now - duration
    if match := _TIME_OF_DAY.fullmatch(text.strip()):
        hours, minutes = int(match[1]), int(match[2])
        if hours < 24 and minutes < 60:
            today = now.astimezone(zone).replace(hour=hours, minute=minutes, second=0, microsecond=0)
            return (today if today <= now else today - timedelta(days=1)).astimezone(UTC)
    with suppress(OverflowError):
        instant = parse_iso(text.strip(), zone)
        if instant is not None and instant <= now:
            return instant
    raise SettingsError(f"--since {text[:40]!a} is no time that has passed: {_FORMS}")


def _named(acts: list[Act], named: str, edition: str) -> str:
    """The id that was named, by its beginning; of a line, or of something that was held."""
    from publisher_cli.history import find_id  # noqa: PLC0415

    # A change that is held has an id of its own, and so has the line that it is about: both may fit.
    ids = sorted({each for act in acts for each in (act.id, act.held) if each is not None})
    return find_id(ids, named, f"line in the audit of {edition}", "`tick log`")


async def _find(session: Session, given: str | None) -> tuple[StoredEdition, Audit]:
    from ticker.core.audit import Audit, acts  # noqa: PLC0415

    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        # Receipts before the log: whatever they say is on air is there by then.
        received, unread = await _read_receipts(redis, stored, _redis_user(session))
        entries, chain = await _read_log(redis, stored)
        authors = {logged.entry.editor for logged in entries}
        unread |= authors - {each.editor for each in received} if unread else set()
        found = Audit(
            edition=stored.name,
            test=stored.edition.test,
            chain=chain,
            unread=sorted(unread),
            acts=acts(entries, received),
        )
        return stored, found


async def _read_log(redis: Redis, stored: StoredEdition) -> tuple[list[Logged], Chain]:
    from ticker.store.log_reader import walk_log  # noqa: PLC0415

    entries: list[Logged] = []
    try:
        async for logged in walk_log(redis, stored.name, 0, stored.nonce):
            if entries and logged.seq != entries[-1].seq + 1:  # trimmed while we read
                entries.clear()
            entries.append(logged)
    except LinkError as error:
        return entries, _chain(entries, error)
    return entries, _chain(entries, None)


def _chain(entries: list[Logged], error: LinkError | None) -> Chain:
    from ticker.core.audit import Chain  # noqa: PLC0415

    first, last = (entries[0].seq, entries[-1].seq) if entries else (1, 0)
    if error is None:
        return Chain(holds=True, first=first, last=last)
    return Chain(holds=False, first=first, last=last, fails_at=error.seq, detail=str(error))


def _redis_user(session: Session) -> str | None:
    """Who we are to Redis, if that is an editor; None for a user who may read everything, as of the embedded server."""
    from ticker.store.acl import PREFIX  # noqa: PLC0415
    from ticker.store.url import parse_url  # noqa: PLC0415

    user = parse_url(session.url).credentials.get("username")
    return None if user is None or user == "default" or user.startswith(PREFIX) else user


async def _read_receipts(redis: Redis, stored: StoredEdition, user: str | None) -> tuple[list[Received], set[str]]:
    """All receipts that this user may read, and whose there are that it may not.

    What isn't allowed isn't tried: what is denied stands in Redis's ACL LOG, among what means something.
    """
    from redis.exceptions import NoPermissionError  # noqa: PLC0415

    from ticker.store.editors import roles  # noqa: PLC0415

    known = await roles(redis, stored.name)
    role = known.get(user) if user is not None else None
    if user is not None and (role or stored.edition.role) is not Role.CHIEF:
        return [each async for each in _receipts_of(redis, stored.name, user)], {*known} - {user}
    received: list[Received] = []
    unread: set[str] = set()
    for name in sorted({*known, *await _ever_known(redis, stored.name)}):
        try:
            received += [each async for each in _receipts_of(redis, stored.name, name)]
        except NoPermissionError:  # a chief whose user in Redis hasn't been brought up to that
            unread.add(name)
    return received, unread


async def _ever_known(redis: Redis, edition: str) -> list[str]:
    """The editors whose inboxes have ever been read: who was removed since has left receipts, too."""
    from redis.exceptions import NoPermissionError  # noqa: PLC0415

    from ticker.store.keys import Keys  # noqa: PLC0415

    try:
        names = await cast("Awaitable[Any]", redis.hgetall(Keys(edition).cursors))
    except NoPermissionError:
        return []
    return [name for name in (raw.decode(errors="replace") for raw in names) if is_name(name)]


async def _receipts_of(redis: Redis, edition: str, editor: str) -> AsyncIterator[Received]:
    from ticker.core.audit import Received  # noqa: PLC0415
    from ticker.store.receipts import walk_receipts  # noqa: PLC0415
    from ticker.store.streams import milliseconds_of  # noqa: PLC0415

    async for stored in walk_receipts(redis, edition, editor):
        yield Received(editor, datetime.fromtimestamp(milliseconds_of(stored.id) / 1000, UTC), stored.receipt)
