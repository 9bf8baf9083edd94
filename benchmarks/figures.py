"""The table of what must be shown: each figure, its yardstick of the same run, and the verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from benchmarks.machine import CONNECTIONS_MOST
from benchmarks.samples import Samples, Spread, spread


class Outcome(StrEnum):
    """How a figure stands to what was asked."""

    AIM = "aim"
    MUST = "must"
    MISSED = "missed"
    NOT_MEASURED = "not measured"
    NOT_JUDGED = "not judged"


class Source(msgspec.Struct, frozen=True):
    """A measure of a subject. `scale` and `unit` say how people read it."""

    subject: str
    measure: str
    unit: str = ""
    scale: float = 1.0

    @property
    def key(self) -> tuple[str, str]:
        return (self.subject, self.measure)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A row: `of`, divided by `by` where `divides`, is at most (or at least) `must`; better, `aim`."""

    scenario: str
    of: Source
    by: Source | None = None
    divides: bool = False
    at_least: bool = False
    must: float
    aim: float


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A question with what was measured. `figure` is in `unit`, as are `must` and `aim`."""

    scenario: str
    ours: Spread | None
    ours_unit: str
    yardstick: Spread | None
    yardstick_name: str
    yardstick_unit: str
    figure: Spread | None
    unit: str
    at_least: bool
    must: float
    aim: float
    verdict: Outcome


def _gateway(measure: str, unit: str, scale: float = 1.0) -> Source:
    return Source("gateway", measure, unit, scale)


QUESTIONS: Final = (
    Question(
        scenario="steady, one entry a second: server CPU a delivery ÷ the C loop's",
        of=_gateway("steady_cpu_us", "µs"),
        by=Source("c-loop", "steady_cpu_us", "µs"),
        divides=True,
        must=1.30,
        aim=1.15,
    ),
    Question(
        scenario="steady: p99 of posted-to-received ÷ the C loop's",
        of=_gateway("steady_p99_ms", "ms"),
        by=Source("c-loop", "steady_p99_ms", "ms"),
        divides=True,
        must=1.40,
        aim=1.20,
    ),
    Question(
        scenario="burst, 300 entries in 0.3 s: deliveries a second",
        of=_gateway("burst_per_s", "million/s", 1e-6),
        by=Source("c-loop-joining", "burst_per_s", "million/s", 1e-6),
        at_least=True,
        must=5.0,
        aim=10.0,
    ),
    Question(
        scenario="burst against Nchan's in the same run",
        of=_gateway("burst_per_s", "million/s", 1e-6),
        by=Source("nchan", "burst_per_s", "million/s", 1e-6),
        divides=True,
        at_least=True,
        must=30.0,
        aim=60.0,
    ),
    Question(
        scenario="server memory a connection, after traffic",
        of=_gateway("memory_bytes", "KB", 1e-3),
        by=Source("starlette-loop", "memory_bytes", "KB", 1e-3),
        must=3.0,
        aim=2.0,
    ),
    Question(
        scenario="200 selections in use: CPU a delivery ÷ one selection's",
        of=Source("gateway, 200 selections", "steady_cpu_us", "µs"),
        by=_gateway("steady_cpu_us", "µs"),
        divides=True,
        must=1.15,
        aim=1.05,
    ),
    Question(
        scenario="one in ten followers reads nothing: the others' p99 ÷ without",
        of=Source("gateway, stalled", "steady_p99_ms", "ms"),
        by=_gateway("steady_p99_ms", "ms"),
        divides=True,
        must=1.20,
        aim=1.05,
    ),
    Question(
        scenario="reconnect storm, each 50 entries behind: server CPU a follower, handshake and replay",
        of=_gateway("storm_cpu_us", "µs"),
        by=Source("starlette-loop", "connect_cpu_us", "µs"),
        must=150,
        aim=80,
    ),
    Question(scenario="the storm's commands to Redis", of=_gateway("storm_commands", ""), must=0, aim=0),
    Question(
        scenario="`tick post`, key press to receipt, median",
        of=Source("desk", "post_ms", "ms"),
        by=Source("desk yardsticks", "post_ms", "ms"),
        must=300,
        aim=180,
    ),
    Question(
        scenario="submission to first byte on a follower's socket, p50, one follower, `appendfsync always`",
        of=Source("desk", "first_byte_ms", "ms"),
        by=Source("desk yardsticks", "first_byte_ms", "ms"),
        must=5,
        aim=2,
    ),
    Question(
        scenario="event loop's longest stall during any of these",
        of=_gateway("stall_ms", "ms"),
        must=50,
        aim=10,
    ),
    Question(
        scenario="two workers on two cores ÷ one, steady deliveries a CPU second",
        of=Source("gateway, two workers", "steady_per_cpu_s", "thousand/s", 1e-3),
        by=_gateway("steady_per_cpu_s", "thousand/s", 1e-3),
        divides=True,
        at_least=True,
        must=0.9,
        aim=1.0,
    ),
    Question(
        scenario="`ticker up` start to serving, warm, with a log of 10,000 entries",
        of=Source("desk", "start_s", "s"),
        by=Source("desk yardsticks", "start_s", "s"),
        must=1.5,
        aim=0.8,
    ),
    Question(
        scenario="idle: followers, heartbeats only, share of one core",
        of=_gateway("idle_share", "%", 100),
        must=2,
        aim=1,
    ),
)

NAMES: Final = {
    "gateway": "Ticker's gateway",
    "gateway, 200 selections": "Ticker's gateway, 200 selections",
    "gateway, stalled": "Ticker's gateway, one in ten reads nothing",
    "gateway, two workers": "Ticker's gateway, two workers",
    "c-loop": "C, `send(2)` in a loop",
    "c-loop-joining": "C, `send(2)` of what came together",
    "starlette-loop": "Starlette, `send_text` in a loop",
    "starlette-queues": "Starlette, a queue and a task each",
    "nchan": "Nchan and Redis",
    "ws": "Node, `ws`",
    "socketio": "Socket.IO on Node",
    "centrifugo": "Centrifugo",
    "mercure": "Mercure",
    "desk yardsticks": "see below",
}
YARDSTICKS: Final = {
    "post_ms": "Python's own start",
    "first_byte_ms": "one write to that Redis",
    "start_s": "importing uvicorn, Starlette and redis-py",
    "connect_cpu_us": "Starlette's handshake alone",
}


def answer(question: Question, samples: Samples, connections: int = CONNECTIONS_MOST) -> Answer:
    """The row for a question. What hangs on the number of followers is judged only with as many as the bounds are for.

    With fewer, what the gateway does once a second or once an entry weighs more on each delivery, and a burst can't
    have as many deliveries a second.
    """
    of, by = question.of, question.by
    ours = samples.get(*of.key)
    yard = samples.get(*by.key) if by else []
    values = samples.ratios(of.key, by.key) if by and question.divides else [value * of.scale for value in ours]
    figure = spread(values) if values else None
    verdict = _verdict(figure, question)
    if figure and connections < CONNECTIONS_MOST and of.subject != "desk":
        verdict = Outcome.NOT_JUDGED
    return Answer(
        scenario=question.scenario,
        ours=_scaled(ours, of),
        ours_unit=of.unit,
        yardstick=_scaled(yard, by) if by else None,
        yardstick_name=YARDSTICKS.get(by.measure, NAMES.get(by.subject, by.subject)) if by else "",
        yardstick_unit=by.unit if by else "",
        figure=figure,
        unit="×" if question.divides else of.unit,
        at_least=question.at_least,
        must=question.must,
        aim=question.aim,
        verdict=verdict,
    )


def _scaled(values: list[float], source: Source) -> Spread | None:
    return spread([value * source.scale for value in values]) if values else None


def _verdict(figure: Spread | None, question: Question) -> Outcome:
    if figure is None:
        return Outcome.NOT_MEASURED
    sign = -1 if question.at_least else 1
    if sign * figure.median <= sign * question.aim:
        return Outcome.AIM
    return Outcome.MUST if sign * figure.median <= sign * question.must else Outcome.MISSED
