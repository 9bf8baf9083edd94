"""The invented lines of `ticker up --demo`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.support.servers import short_folder
from tests.support.strategies import post
from tests.support.system import System
from tests.support.waiting import until
from ticker import demo
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change
from ticker.core.outcome import Context, Publish, decide
from ticker.core.submission import Submission
from ticker.outages import Outages

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def submissions(language: str) -> Iterator[Submission]:
    for story in demo.load_stories():
        for text in story.lines[language]:
            yield Submission(key="k", change=Change.NEW, text=text, urgency=story.urgency, section=story.section,
                             regions=story.regions)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ar", "es"])
def test_every_line_would_be_published_without_a_warning(language: str) -> None:
    at = Context(
        edition=DEFAULT_EDITIONS[language], board=Board(), editor="demo", submitted_at=NOW, now=NOW, seq=1, new_id="x"
    )
    for submission in submissions(language):
        verdict = decide(submission, at)
        assert isinstance(verdict, Publish), (submission.text, verdict)
        assert not verdict.warnings, submission.text


@pytest.mark.parametrize("language", ["en", "ar", "es"])
def test_the_stories_may_be_repeated_within_the_hour(language: str) -> None:
    board, edition = Board(), DEFAULT_EDITIONS[language]
    teller = demo._Storyteller("", language, edition, language, demo.load_stories(), Outages())
    for story in demo.load_stories() * 2:
        line_id = None
        for text in story.lines[language]:
            verdict = post(board, teller._submission(story, text, line_id, NOW + timedelta(minutes=2)), NOW, edition)
            assert isinstance(verdict, Publish), verdict
            assert not verdict.warnings, text
            line_id = verdict.entry.line.id


def test_every_story_has_the_same_lines_in_each_language() -> None:
    for story in demo.load_stories():
        assert story.lines.keys() == {"en", "ar", "es"}
        assert len({len(texts) for texts in story.lines.values()}) == 1
        assert story.correction.keys() in ({"en", "ar", "es"}, set())


def test_the_demo_posts_to_every_edition_as_an_editor_called_demo() -> None:
    with short_folder() as folder, System(folder, "--demo") as system:
        for edition in ("en", "ar", "es"):
            most = demo.lines_max(DEFAULT_EDITIONS[edition])
            until(partial(_has_entries, system, edition, most), f"lines in {edition}")
        entries = system.tick("log", "-e", "ar", "--json").json["entries"]
        assert {entry["editor"] for entry in entries} == {"demo"}
        assert system.ticker("verify", "ar").code == 0


def _has_entries(system: System, edition: str, most: int) -> bool:
    return len(system.tick("log", "-e", edition, "--json").json["entries"]) >= most


@pytest.mark.parametrize("most", [1, 5])
def test_the_demo_never_shows_more_than_its_half_of_the_board(most: int) -> None:
    ends: list[datetime] = []
    now = NOW
    for _ in range(10 * most):
        now += timedelta(seconds=demo.wait_s(ends, most, now))
        ends.append(now + timedelta(seconds=demo.SHOWN_S))
        assert sum(end > now for end in ends) <= most
    assert now >= NOW + timedelta(seconds=9 * demo.SHOWN_S)


def test_a_newcomers_line_stays_on_the_board_beside_the_demo() -> None:
    edition, board = DEFAULT_EDITIONS["en"], Board()
    own = post(board, Submission(key="own", change=Change.NEW, text="Harbour: All is well"), NOW, edition)
    assert isinstance(own, Publish)
    teller = demo._Storyteller("", "en", edition, "en", demo.load_stories(), Outages())
    now, ends = NOW, list[datetime]()
    for number in range(50):
        now += timedelta(seconds=demo.wait_s(ends, demo.lines_max(edition), now))
        ends.append(now + timedelta(seconds=demo.SHOWN_S))
        story = teller._story(number)
        submission = teller._submission(story, story.lines["en"][0], None, ends[-1])
        assert isinstance(post(board, submission, now, edition), Publish)
        assert own.entry.line.id in {line.id for line in board.lines(now, edition.board_lines)}
    assert now > NOW + timedelta(minutes=15)
