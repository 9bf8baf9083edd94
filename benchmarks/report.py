"""Write the report as Markdown and as JSON, with the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from benchmarks.compression import Compressed
from benchmarks.figures import NAMES, Answer, Verdict
from benchmarks.machine import Machine
from benchmarks.samples import Samples, Spread
from benchmarks.scenarios import Effort

COLUMNS: Final = (
    ("CPU per delivery, µs", "steady_cpu_us", 1.0),
    ("p50, ms", "steady_p50_ms", 1.0),
    ("p99, ms", "steady_p99_ms", 1.0),
    ("burst, million deliveries/s", "burst_per_s", 1e-6),
    ("burst delivered, %", "burst_delivered_share", 100.0),
    ("burst p99, ms", "burst_p99_ms", 1.0),
    ("memory per connection, KB", "memory_bytes", 1e-3),
    ("CPU per handshake, µs", "connect_cpu_us", 1.0),
    ("load generator busy in the burst, %", "burst_load_share", 100.0),
)
VERDICTS: Final = {
    Verdict.AIM: "**aim met**",
    Verdict.MUST: "must met",
    Verdict.MISSED: "**missed**",
    Verdict.NOT_MEASURED: "not measured",
    Verdict.NOT_JUDGED: "too few followers to judge",
}


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one run."""

    machine: Machine
    effort: Effort
    seconds: float
    settings: dict[str, str]
    answers: list[Answer]
    samples: dict[str, dict[str, list[float]]]
    compression: list[Compressed]
    notes: list[str]


def to_json(results: Results) -> bytes:
    return msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n"


def to_markdown(results: Results, samples: Samples) -> str:
    effort = results.effort
    setting = (
        f"{effort.connections:,} followers, frames of {_frame_bytes(samples)} bytes, {_rounds(effort.rounds)}; the "
        f"server on one core, the load generator on another. "
        f"{_machine(results.machine)} Medians, with the range in brackets.\n"
    )
    parts = [
        "# The cost of fan-out\n",
        setting,
        _answers(results.answers),
        "## All servers\n",
        _subjects(samples),
        "## Compression (permessage-deflate without context takeover), compressed once for all followers\n",
        _compression(results.compression),
        *_listed("## Settings\n", [f"{NAMES.get(name, name)}: {text}" for name, text in results.settings.items()]),
        *_listed("## Not measured\n", results.notes),
    ]
    return "\n".join(parts)


def _answers(answers: Sequence[Answer]) -> str:
    rows = [
        (
            one.scenario,
            _quantity(one.ours, one.ours_unit),
            f"{_quantity(one.yardstick, one.yardstick_unit)}: {one.yardstick_name}" if one.yardstick else "–",
            _quantity(one.figure, one.unit),
            _bound(one, one.must),
            _bound(one, one.aim),
            VERDICTS[one.verdict],
        )
        for one in answers
    ]
    return _table(("scenario", "ours", "yardstick", "figure", "must", "aim", "verdict"), rows)


def _subjects(samples: Samples) -> str:
    rows = []
    for name in NAMES:
        if samples.get(name, "steady_cpu_us"):
            cells = [_scaled(samples.spread(name, measure), scale) for _, measure, scale in COLUMNS]
            rows.append((NAMES[name], *cells))
    return _table(("server", *(title for title, _, _ in COLUMNS)), rows)


def _compression(found: Sequence[Compressed]) -> str:
    rows = [
        (
            one.message,
            number(one.plain_bytes),
            number(one.compressed_bytes),
            f"{one.saved_share:.0%}",
            number(one.cpu_us),
        )
        for one in found
    ]
    return _table(("message", "bytes", "compressed", "saved", "CPU to compress it, µs"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _listed(title: str, items: Sequence[str]) -> list[str]:
    return [title, "".join(f"- {item}\n" for item in items)] if items else []


def _scaled(values: Spread | None, scale: float) -> str:
    if values is None:
        return "–"
    return quantity(Spread(values.median * scale, values.least * scale, values.most * scale))


def _quantity(values: Spread | None, unit: str) -> str:
    return "–" if values is None else quantity(values) + (f" {unit}" if unit else "")


def quantity(values: Spread) -> str:
    """Format a median and its range, e.g. `10.2 (9.8–10.4)`; without the range if it would look empty."""
    if number(values.least) == number(values.most):
        return number(values.median)
    return f"{number(values.median)} ({number(values.least)}–{number(values.most)})"


def number(value: float) -> str:
    """Format a number with three significant digits and no exponent."""
    magnitude = abs(value)
    digits = 0 if magnitude >= 100 or magnitude == 0 else 1 if magnitude >= 10 else 2 if magnitude >= 0.1 else 3
    return f"{value:,.{digits}f}"


def _bound(one: Answer, value: float) -> str:
    if value == 0:
        return "0"
    return f"{'≥' if one.at_least else '≤'} {value:g}{' ' + one.unit if one.unit else ''}"


def _rounds(rounds: int) -> str:
    return "one round" if rounds == 1 else f"{rounds} rounds, in alternating order"


def _frame_bytes(samples: Samples) -> str:
    found = samples.spread("gateway", "frame_bytes") or samples.spread("c-loop", "frame_bytes")
    return number(found.median) if found else "unknown"


def _machine(machine: Machine) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    return (
        f"{machine.date}: {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB, {machine.system}, "
        f"{machine.file_limit:,} files per process, load average before {machine.load_average:g}; {machine.python}, "
        f"{machine.compiler}; {packages}."
    )
