"""Outcomes of submissions under the house rules."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from tests.support.strategies import START, context, post
from ticker.core.board import Board
from ticker.core.edition import DEFAULT_EDITIONS, Edition, Effect, Quotes
from ticker.core.line import Change
from ticker.core.outcome import Outcome, Publish, Refuse, decide
from ticker.core.submission import Submission

ENGLISH = DEFAULT_EDITIONS["en"]  # with its house rules, which other tests switch off
SAID = "Weather office: Storm Odile reaches the coast of Valmora"
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
