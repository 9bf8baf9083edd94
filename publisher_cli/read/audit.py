"""Read an edition's log and receipts, check the log's links, and print who did what."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from redis.exceptions import NoPermissionError

from publisher_cli.exit_codes import Status
from publisher_cli.history import LAST, UnknownLineError, find_id
from publisher_cli.output.audit_report import print_audit
from publisher_cli.session import Session, find_edition
from publisher_cli.times import find_zone, parse_past
from ticker.console import Console
from ticker.core.audit import Act, Audit, Chain, Received, acts, of_editor, of_line
from ticker.core.edition import Role, check_name, is_name
from ticker.core.entry import Logged
from ticker.core.errors import LinkError
from ticker.core.line import Change
from ticker.store.connection import Redis
from ticker.store.editions import StoredEdition
from ticker.store.editors import roles
from ticker.store.keys import Keys
from ticker.store.log_reader import walk_log
from ticker.store.receipts import walk_receipts
from ticker.store.replies import as_text
from ticker.store.rights import PREFIX
from ticker.store.streams import milliseconds_of
from ticker.store.url import parse_url


def show_audit(
    console: Console,
    data: Path | None,
    edition: str | None,
    *,
    line: str | None,
    editor: str | None,
    since: str | None,
    most: int | None,
) -> Status:
    """Print the acts about a line, of an editor, since a time, and of these the newest. Each filter is optional.

    Raises:
        SettingsError: If a filter isn't valid.

    """
    session = Session.find(console, data)
    stored, audit = asyncio.run(_load(session, edition))
    found = audit.acts
    if line == LAST:
        author = session.editor(editor or console.environ.get("TICK_EDITOR"))
        found = of_line(found, {_last_line(found, author, stored.name)})
    elif line is not None:
        # A held change has two ids, its own and that of its line. Either may fit.
        ids = sorted({each for act in found for each in (act.id, act.held) if each is not None})
        found = of_line(found, {find_id(ids, line, f"line in the audit of {stored.name}", "`tick log`")})
    if editor is not None:
        found = of_editor(found, check_name(editor))
    if since is not None:
        start = parse_past(since, datetime.now(UTC), find_zone(stored.edition.zone))
        found = [act for act in found if act.settled_at >= start]
    if most is not None:
        found = found[-most:]
    print_audit(console, stored, msgspec.structs.replace(audit, acts=found))
    return Status.DONE if audit.chain.holds else Status.FAILED


def _last_line(acts: Sequence[Act], editor: str, edition: str) -> str:
    """Return the id of the line that the editor posted last, even if it was changed or withdrawn since."""
    for act in reversed(acts):
        if act.action == Change.NEW and act.position is not None and act.editor == editor and act.id is not None:
            return act.id
    raise UnknownLineError(f"{editor} has posted nothing to {edition} that is still in the log")


async def _load(session: Session, given: str | None) -> tuple[StoredEdition, Audit]:
    async with session.redis() as redis:
        stored = await find_edition(redis, given)
        # Read the receipts before the log, so that the log has every entry that they name.
        received, unread = await _read_receipts(redis, stored, _redis_user(session))
        entries, chain = await _read_log(redis, stored)
        authors = {logged.entry.editor for logged in entries}
        unread |= authors - {each.editor for each in received} if unread else set()
        return stored, Audit(
            edition=stored.name,
            test=stored.edition.test,
            chain=chain,
            unread=sorted(unread),
            acts=acts(entries, received),
        )


async def _read_log(redis: Redis, stored: StoredEdition) -> tuple[list[Logged], Chain]:
    """Return the entries up to the first broken link, and the result of checking the links."""
    entries: list[Logged] = []
    broken: LinkError | None = None
    try:
        async for logged in walk_log(redis, stored.name, 0, stored.nonce):
            if entries and logged.seq != entries[-1].seq + 1:  # the desk trimmed the log while we read it
                entries.clear()
            entries.append(logged)
    except LinkError as error:
        broken = error
    first, last = (entries[0].seq, entries[-1].seq) if entries else (1, 0)
    if broken is None:
        return entries, Chain(holds=True, first=first, last=last)
    return entries, Chain(holds=False, first=first, last=last, fails_at=broken.seq, detail=str(broken))


def _redis_user(session: Session) -> str | None:
    """Return the editor whose Redis user this is, or None for a user who may read everything."""
    user = parse_url(session.url).credentials.get("username")
    return None if user is None or user == "default" or user.startswith(PREFIX) else user


async def _read_receipts(redis: Redis, stored: StoredEdition, user: str | None) -> tuple[list[Received], set[str]]:
    """Return the receipts that this user may read, and the editors whose receipts they may not read.

    Don't try to read more than the role allows: Redis would log it in ACL LOG, among real violations.
    """
    known = await roles(redis, stored.name)
    role = known.get(user) if user is not None else None
    if user is not None and (role or stored.edition.role) is not Role.CHIEF:
        return await _receipts_of(redis, stored.name, user), {*known} - {user}
    received: list[Received] = []
    unread: set[str] = set()
    for name in sorted({*known, *await _former_editors(redis, stored.name)}):
        try:
            received += await _receipts_of(redis, stored.name, name)
        except NoPermissionError:  # a chief whose Redis user still has the rights of an earlier role
            unread.add(name)
    return received, unread


async def _former_editors(redis: Redis, edition: str) -> list[str]:
    """Return every editor whose inbox the desk has ever read: removed editors have receipts, too."""
    try:
        cursors = await redis.hgetall(Keys(edition).cursors)
    except NoPermissionError:
        return []
    return [name for name in map(as_text, cursors) if is_name(name)]


async def _receipts_of(redis: Redis, edition: str, editor: str) -> list[Received]:
    return [
        Received(editor, datetime.fromtimestamp(milliseconds_of(stored.id) / 1000, UTC), stored.receipt)
        async for stored in walk_receipts(redis, edition, editor)
    ]
