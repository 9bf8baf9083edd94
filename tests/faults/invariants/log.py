"""Invariants of the log: it agrees with the editors' answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.faults.invariants.followers import FollowerResult
from tests.faults.invariants.records import Answer, Attempt
from ticker.core.entry import Logged, RawEntry, follow
from ticker.core.errors import LinkError
from ticker.core.position import Position


def check_log(nonce: str, raws: Sequence[RawEntry]) -> list[str]:
    """The log is contiguous, and each entry links to the one before it. The first entry of a trimmed log is trusted."""
    violations = []
    previous: str | None = nonce
    expected = 1
    for raw in raws:
        if expected == 1 and raw.seq > 1:
            previous = None
        elif raw.seq != expected:
            violations.append(f"log: entry {raw.seq} comes after {expected - 1}")
        try:
            follow(raw.seq, previous, raw.link, raw.data)
        except LinkError as error:
            violations.append(f"log: {error}")
        previous, expected = raw.link, raw.seq + 1
    return violations


def check_acknowledged(
    attempts: Sequence[Attempt], log: Sequence[Logged], *, has_lost: bool, is_whole: bool
) -> list[str]:
    """An acknowledged submission is in the log once, at the position in its receipt.

    Args:
        attempts: All submissions.
        log: The log at the end.
        has_lost: The server lost entries that it had acknowledged.
        is_whole: The log was never trimmed.

    """
    entries = {str(logged.position): logged.entry for logged in log}
    violations = []
    for attempt in attempts:
        if attempt.answer is not Answer.ON_AIR or has_lost:
            continue
        name = f"{attempt.editor}/{attempt.key}"
        if len(set(attempt.positions)) != 1:
            violations.append(f"{name}: its receipts have different positions: {attempt.positions}")
        position = attempt.positions[0]
        entry = entries.get(position)
        if entry is None:
            if is_whole or (log and Position.parse(position).seq >= log[0].seq):
                violations.append(f"{name}: acknowledged at {position}, but the log has no such entry")
        elif (entry.editor, entry.key) != (attempt.editor, attempt.key):
            violations.append(f"{name}: {position} is {entry.editor}/{entry.key}")
        elif attempt.text is not None and entry.line.text != attempt.text:
            violations.append(f"{name}: on air with another text")
    return violations


def check_at_most_once(attempts: Sequence[Attempt], log: Sequence[Logged], *, has_lost: bool) -> list[str]:
    """No submission is on air twice. A submission that was refused, held or given up is not on air at all.

    A server that has lost data may have lost a refusal; the desk then decides again.
    """
    never = {Answer.NEVER, Answer.HELD} if has_lost else {Answer.NEVER, Answer.HELD, Answer.REFUSED}
    counts = Counter((logged.entry.editor, logged.entry.key) for logged in log)
    violations = [f"{editor}/{key}: {count} times on air" for (editor, key), count in counts.items() if count > 1]
    known = {(each.editor, each.key): each for each in attempts}
    for editor, key in counts:
        attempt = known.get((editor, key))
        if attempt is None:
            violations.append(f"{editor}/{key}: on air, but no editor submitted it")
        elif attempt.answer in never:
            trace = f": {'; '.join(attempt.trace)}" if attempt.trace else ""
            violations.append(f"{editor}/{key}: the answer was {attempt.answer}, but it is on air{trace}")
    return violations


def check_order(attempts: Sequence[Attempt], *, has_lost: bool) -> list[str]:
    """The acknowledged submissions of an editor are on air in the order in which the editor sent them."""
    latest: dict[str, tuple[int, str]] = {}
    violations = []
    for attempt in attempts:
        if attempt.answer is not Answer.ON_AIR or attempt.was_held or has_lost:
            continue
        seq = Position.parse(attempt.positions[0]).seq
        before = latest.get(attempt.editor)
        if before is not None and seq <= before[0]:
            violations.append(
                f"{attempt.editor}/{attempt.key}: at {seq}, before {before[1]} at {before[0]}, which was sent earlier"
            )
        latest[attempt.editor] = (seq, attempt.key)
    return violations


def check_losses(
    attempts: Sequence[Attempt], log: Sequence[Logged], followers: Sequence[FollowerResult], *, was_reported: bool
) -> list[str]:
    """If acknowledged lines that a follower has seen are lost, followers are reset, and a gateway reports it."""
    in_log = {str(logged.position) for logged in log}
    lost = [each for each in attempts if each.answer is Answer.ON_AIR and not in_log.intersection(each.positions)]
    lost_positions = {position for each in lost for position in each.positions}
    if all(each.positions.isdisjoint(lost_positions) for each in followers):
        return []
    if not any(each.resets for each in followers):
        return [f"{len(lost)} acknowledged lines are lost, but no follower was reset"]
    return [] if was_reported else [f"{len(lost)} acknowledged lines are lost, but no gateway reported it"]
