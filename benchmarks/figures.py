"""The table of required figures: each with its yardstick from the same run, and a verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from benchmarks.machine import CONNECTIONS_MOST
from benchmarks.samples import Samples, Spread, spread


class Verdict(StrEnum):
    """How a figure compares to its requirement (`must`) and its goal (`aim`)."""

    AIM = "aim"
    MUST = "must"
    MISSED = "missed"
    NOT_MEASURED = "not measured"
    NOT_JUDGED = "not judged"


class Source(msgspec.Struct, frozen=True):
    """A measure of a subject. It is shown in `unit`, after a multiplication by `scale`."""

    subject: str
    measure: str
    unit: str = ""
    scale: float = 1.0

    @property
    def key(self) -> tuple[str, str]:
        return (self.subject, self.measure)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A row: `of`, divided by `by` if `divides`, must be at most (or at least) `must`. The goal is `aim`."""

    scenario: str
    of: Source
    by: Source | None = None
    divides: bool = False
    at_least: bool = False
    must: float
    aim: float


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A question and the measured values. `figure`, `must` and `aim` are in `unit`."""

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
    verdict: Verdict


def _gateway(measure: str, unit: str, scale: float = 1.0) -> Source:
    return Source("gateway", measure, unit, scale)


def _events(what: str, of: Source, *, must: float, aim: float, at_least: bool = False) -> Question:
    """Return the row that divides a measure of 5,000 followers over events by the same measure over sockets.

    `of` names the measure. Its subject is ignored.
    """
    events, sockets = (msgspec.structs.replace(of, subject=f"gateway, {each}") for each in ("events", "sockets"))
    scenario = f"{what} ÷ 5,000 over sockets"
    return Question(scenario=scenario, of=events, by=sockets, divides=True, at_least=at_least, must=must, aim=aim)


QUESTIONS: Final = (
    Question(
        scenario="steady, one entry per second: server CPU per delivery ÷ the C loop's",
        of=_gateway("steady_cpu_us", "µs"),
        by=Source("c-loop", "steady_cpu_us", "µs"),
        divides=True,
        must=1.15,
        aim=1.05,
    ),
    Question(
        scenario="steady: p99 of the latency ÷ the C loop's",
        of=_gateway("steady_p99_ms", "ms"),
        by=Source("c-loop", "steady_p99_ms", "ms"),
        divides=True,
        must=1.40,
        aim=1.20,
    ),
    Question(
        scenario="burst, 300 entries in 0.3 s: deliveries per second",
        of=_gateway("burst_per_s", "million/s", 1e-6),
        by=Source("c-loop-joining", "burst_per_s", "million/s", 1e-6),
        at_least=True,
        must=10.0,
        aim=15.0,
    ),
    Question(
        scenario="burst: deliveries per second ÷ Nchan's in the same run",
        of=_gateway("burst_per_s", "million/s", 1e-6),
        by=Source("nchan", "burst_per_s", "million/s", 1e-6),
        divides=True,
        at_least=True,
        must=30.0,
        aim=60.0,
    ),
    Question(
        scenario="server memory per connection, after traffic",
        of=_gateway("memory_bytes", "KB", 1e-3),
        by=Source("starlette-loop", "memory_bytes", "KB", 1e-3),
        must=3.0,
        aim=2.0,
    ),
    Question(
        scenario="200 selections in use: CPU per delivery ÷ with one selection",
        of=Source("gateway, 200 selections", "steady_cpu_us", "µs"),
        by=_gateway("steady_cpu_us", "µs"),
        divides=True,
        must=1.15,
        aim=1.05,
    ),
    Question(
        scenario="one in ten followers stalled: p99 of the others ÷ with none stalled",
        of=Source("gateway, stalled", "steady_p99_ms", "ms"),
        by=_gateway("steady_p99_ms", "ms"),
        divides=True,
        must=1.20,
        aim=1.05,
    ),
    Question(
        scenario="reconnect storm, each follower 50 entries behind: server CPU per follower, handshake and replay",
        of=_gateway("storm_cpu_us", "µs"),
        by=Source("starlette-loop", "connect_cpu_us", "µs"),
        must=80,
        aim=60,
    ),
    Question(
        scenario="reconnect storm: server CPU per follower ÷ a C loop's that sends the same bytes",
        of=_gateway("storm_cpu_us", "µs"),
        by=Source("c-loop-replaying", "storm_cpu_us", "µs"),
        divides=True,
        must=3.0,  # 80 and 60 µs where the C loop takes 26
        aim=2.3,
    ),
    Question(scenario="reconnect storm: commands to Redis", of=_gateway("storm_commands", ""), must=0, aim=0),
    Question(
        scenario="`tick post`, key press to receipt, median",
        of=Source("desk", "post_ms", "ms"),
        by=Source("desk yardsticks", "post_ms", "ms"),
        must=120,
        aim=80,
    ),
    Question(
        scenario="from submission to the first byte on a follower's socket, p50, one follower, `appendfsync always`",
        of=Source("desk", "first_byte_ms", "ms"),
        by=Source("desk yardsticks", "first_byte_ms", "ms"),
        must=2,
        aim=1.2,
    ),
    Question(
        scenario="longest stall of the event loop in all of these",
        of=_gateway("stall_ms", "ms"),
        must=50,
        aim=10,
    ),
    Question(
        scenario="all connections reset at once: longest stall of the event loop",
        of=_gateway("reset_stall_ms", "ms"),
        must=25,
        aim=10,
    ),
    Question(
        scenario="two workers on two cores ÷ one: steady deliveries per CPU second",
        of=Source("gateway, two workers", "steady_per_cpu_s", "thousand/s", 1e-3),
        by=_gateway("steady_per_cpu_s", "thousand/s", 1e-3),
        divides=True,
        at_least=True,
        must=0.9,
        aim=1.0,
    ),
    Question(
        scenario="start of `ticker up` until it serves, warm, with a log of 10,000 entries",
        of=Source("desk", "start_s", "s"),
        by=Source("desk yardsticks", "start_s", "s"),
        must=1.5,
        aim=0.8,
    ),
    _events("5,000 followers over events: CPU per delivery", Source("", "steady_cpu_us", "µs"), must=1.30, aim=1.10),
    _events("5,000 over events: p99 of the latency", Source("", "steady_p99_ms", "ms"), must=1.40, aim=1.10),
    _events(
        "5,000 over events: burst, deliveries per second",
        Source("", "burst_per_s", "million/s", 1e-6),
        must=0.5,
        aim=0.75,
        at_least=True,
    ),
    _events(
        "5,000 over events: server memory per connection", Source("", "memory_bytes", "KB", 1e-3), must=1.30, aim=1.10
    ),
    Question(
        scenario="idle, with followers and only heartbeats: share of one core",
        of=_gateway("idle_share", "%", 100),
        must=2,
        aim=1,
    ),
)

NAMES: Final = {
    "gateway": "Ticker's gateway",
    "gateway, 200 selections": "Ticker's gateway, 200 selections",
    "gateway, stalled": "Ticker's gateway, one in ten stalled",
    "gateway, two workers": "Ticker's gateway, two workers",
    "gateway, sockets": "Ticker's gateway, 5,000 over sockets",
    "gateway, events": "Ticker's gateway, 5,000 over events",
    "c-loop": "C, `send(2)` in a loop",
    "c-loop-joining": "C, `send(2)` of joined lines",
    "c-loop-replaying": "C, handshake and replay",
    "starlette-loop": "Starlette, `send_text` in a loop",
    "starlette-queues": "Starlette, one queue per connection",
    "nchan": "Nchan and Redis",
    "ws": "Node, `ws`",
    "socketio": "Socket.IO on Node",
    "centrifugo": "Centrifugo",
    "mercure": "Mercure",
    "desk yardsticks": "see below",
}
YARDSTICKS: Final = {
    "post_ms": "start of Python",
    "first_byte_ms": "one write to the same Redis",
    "start_s": "importing uvicorn, Starlette and redis-py",
    "connect_cpu_us": "Starlette's handshake only",
}


def answer(question: Question, samples: Samples, connections: int = CONNECTIONS_MOST) -> Answer:
    """Return the row for a question.

    Figures that depend on the number of followers are judged only with the full number. With fewer followers, the work
    per second and per entry weighs more on each delivery, and a burst has fewer deliveries per second.
    """
    of, by = question.of, question.by
    ours = samples.get(*of.key)
    yard = samples.get(*by.key) if by else []
    values = samples.ratios(of.key, by.key) if by and question.divides else [value * of.scale for value in ours]
    figure = spread(values) if values else None
    verdict = _verdict(figure, question)
    if figure and connections < CONNECTIONS_MOST and of.subject != "desk":
        verdict = Verdict.NOT_JUDGED
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


def _verdict(figure: Spread | None, question: Question) -> Verdict:
    if figure is None:
        return Verdict.NOT_MEASURED
    sign = -1 if question.at_least else 1
    if sign * figure.median <= sign * question.aim:
        return Verdict.AIM
    return Verdict.MUST if sign * figure.median <= sign * question.must else Verdict.MISSED
