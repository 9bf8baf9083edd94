"""Outcomes of submissions under the house rules."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.support.strategies import START, context, likely_submissions, nasty_submissions, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect, Quotes
from ticker.core.held import Held
from ticker.core.line import Change, Direction
from ticker.core.outcome import Hold, Outcome, Publish, Refuse, decide, publish_held
from ticker.core.rules.effects import HOUSE_RULES
from ticker.core.rules.house_rules import DUPLICATE_LINES, check_house_rules
from ticker.core.submission import Finding, Submission

ENGLISH = DEFAULT_EDITIONS["en"]  # with its house rules, which other tests switch off
HABITS = {"en": Quotes.CURLY, "ar": Quotes.GUILLEMETS, "es": Quotes.GUILLEMETS}


def edition_of(language: str, **rules: str) -> Edition:
    effects = {code: Effect(effect) for code, effect in rules.items()}
    return msgspec.structs.replace(DEFAULT_EDITIONS[language], rules=effects, quotes=HABITS[language])


def new(text: str, **fields: object) -> Submission:
    return msgspec.structs.replace(Submission(key="k", change=Change.NEW, text=text), **fields)


def outcome_of(submission: Submission, edition: Edition = ENGLISH, board: Board | None = None) -> Outcome:
    board = board or Board()
    return decide(submission, context(board, 1000, START + timedelta(minutes=5), "line-new", edition))


def refused(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.errors] if isinstance(outcome, Refuse) else []


def warned(outcome: Outcome) -> list[str]:
    return [finding.code for finding in outcome.warnings]


def board_of(*texts: str, at: datetime = START) -> Board:
    board = Board()
    for text in texts:
        assert isinstance(post(board, new(text, again=True), at), Publish), text
    return board
