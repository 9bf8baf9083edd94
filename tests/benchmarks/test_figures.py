from __future__ import annotations

import json
import zlib
from xml.etree import ElementTree as ET

import pytest

from benchmarks.chart import draw
from benchmarks.compression import deflate, measure_compression
from benchmarks.figures import QUESTIONS, Question, Source, Verdict, answer
from benchmarks.log_writer import LogWriter
from benchmarks.machine import connections_within, describe_machine
from benchmarks.plan import selections
from benchmarks.report import Results, number, quantity, to_json, to_markdown
from benchmarks.samples import Samples, Spread, spread
from benchmarks.scenarios import Effort
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.entry import follow
from ticker.core.selection import parse_selection


def question(*, must: float, aim: float, at_least: bool = False, divides: bool = True) -> Question:
    return Question(
        scenario="a question",
        of=Source("ours", "cpu", "µs"),
        by=Source("theirs", "cpu", "µs"),
        divides=divides,
        at_least=at_least,
        must=must,
        aim=aim,
    )


def samples(ours: list[float], theirs: list[float]) -> Samples:
    taken = Samples()
    for value in ours:
        taken.add("ours", {"cpu": value})
    for value in theirs:
        taken.add("theirs", {"cpu": value})
    return taken


def test_a_spread_is_a_median_with_the_range_around_it() -> None:
    assert spread([9.0, 1.0, 2.0]) == Spread(2.0, 1.0, 9.0)


def test_a_ratio_compares_values_of_the_same_round_only() -> None:
    taken = samples([10.0, 20.0, 30.0], [10.0, 10.0, 10.0])
    found = answer(question(must=2.0, aim=1.0), taken)
    assert found.figure == Spread(2.0, 1.0, 3.0)
    assert found.ours == Spread(20.0, 10.0, 30.0)


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.0, Verdict.AIM), (1.1, Verdict.MUST), (1.3, Verdict.MUST), (1.31, Verdict.MISSED)]
)
def test_the_verdict_on_an_upper_bound(value: float, verdict: Verdict) -> None:
    assert answer(question(must=1.3, aim=1.05), samples([value], [1.0])).verdict is verdict


@pytest.mark.parametrize(("value", "verdict"), [(10.0, Verdict.AIM), (5.0, Verdict.MUST), (4.9, Verdict.MISSED)])
def test_the_verdict_on_a_lower_bound(value: float, verdict: Verdict) -> None:
    asked = question(must=5.0, aim=10.0, at_least=True, divides=False)
    assert answer(asked, samples([value], [1.0])).verdict is verdict


def test_unmeasured_question_has_no_verdict_and_no_figure() -> None:
    found = answer(question(must=1.0, aim=1.0), Samples())
    assert (found.verdict, found.figure, found.ours) == (Verdict.NOT_MEASURED, None, None)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12345.6, "12,346"), (99.96, "100.0"), (12.34, "12.3"), (1.234, "1.23"), (0.0123, "0.012")],
)
def test_numbers_are_shown_with_three_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_range_that_would_look_empty_is_not_shown() -> None:
    assert quantity(Spread(1.0, 1.0001, 0.9999)) == "1.00"
    assert quantity(Spread(1.0, 0.9, 1.2)) == "1.00 (0.90–1.20)"


def results(taken: Samples) -> Results:
    return Results(
        machine=describe_machine(1024),
        effort=Effort(100, 1),
        seconds=1.0,
        settings={"c-loop": "nothing to set"},
        answers=[answer(asked, taken) for asked in QUESTIONS],
        samples={name: dict(measures) for name, measures in taken.values.items()},
        compression=measure_compression(),
        notes=["mercure: not on PATH"],
    )


def taken() -> Samples:
    made = Samples()
    for name, cpu in (("gateway", 10.5), ("c-loop", 10.0)):
        made.add(name, {"steady_cpu_us": cpu, "burst_per_s": 5e6, "memory_bytes": 1900.0, "frame_bytes": 466.0})
    return made


def test_with_too_few_followers_only_the_desk_gets_a_verdict() -> None:
    made = taken()
    made.add("desk", {"post_ms": 70.0})
    verdicts = {asked.of.subject: answer(asked, made, 3_000).verdict for asked in QUESTIONS if made.get(*asked.of.key)}
    assert verdicts == {"gateway": Verdict.NOT_JUDGED, "desk": Verdict.AIM}


def test_decompression_returns_the_original_message() -> None:
    text = "النفط يهبط، oil falls, oil falls".encode() * 20
    inflater = zlib.decompressobj(-15)
    assert inflater.decompress(deflate(text) + b"\0\0\xff\xff") == text
    assert all(0 < one.saved_share < 1 for one in measure_compression())


def test_the_report_has_a_row_for_every_question_beside_its_yardstick() -> None:
    text = to_markdown(results(taken()), taken())
    for asked in QUESTIONS:
        assert text.count(f"| {asked.scenario} |") == 1
    assert "| 10.5 µs | 10.0 µs: C, `send(2)` in a loop | 1.05 × | ≤ 1.15 × | ≤ 1.05 × | **aim met** |" in text
    assert "- mercure: not on PATH" in text


def test_both_forms_of_the_report_hold_the_same_figures() -> None:
    decoded = json.loads(to_json(results(taken())))
    assert decoded["samples"]["gateway"]["steady_cpu_us"] == [10.5]
    assert [one["scenario"] for one in decoded["answers"]] == [asked.scenario for asked in QUESTIONS]
    assert decoded["answers"][0]["figure"]["median"] == pytest.approx(1.05)


def test_the_chart_is_well_formed_and_draws_each_subject_to_scale() -> None:
    root = ET.fromstring(draw(taken(), "a < b"))
    name = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{name}title") == "a < b"
    widths = [float(bar.attrib["width"]) for bar in root.iter(f"{name}rect") if "bar" in bar.attrib["class"]]
    assert len(widths) == 6
    assert widths[1] / widths[0] == pytest.approx(10.0 / 10.5, abs=0.01)


def test_the_selections_differ_and_each_matches_the_writers_entries() -> None:
    edition, writer = DEFAULT_EDITIONS["en"], LogWriter()
    posted = writer.write()
    facets = follow(posted.seq, writer.nonce, posted.link, posted.data).entry.line.facets
    parsed = set()
    for query in selections(200):
        pairs = [part.split("=") for part in query.split("&")]
        wanted = {kind: [value for name, value in pairs if name == kind] for kind in ("section", "region")}
        selection = parse_selection(edition, wanted["section"], wanted["region"], None)
        assert selection.matches(facets)
        parsed.add(selection)
    assert len(parsed) == 200


def test_the_writer_writes_a_log_that_links() -> None:
    writer = LogWriter()
    previous = writer.nonce
    for seq in (1, 2, 3):
        posted = writer.write()
        logged = follow(seq, previous, posted.link, posted.data)
        assert f"T={posted.posted_at};" in logged.entry.line.text
        assert str(logged.position).encode() in posted.message
        previous = posted.link
    assert writer.head == 3


def test_the_file_limit_and_the_plan_limit_the_number_of_connections() -> None:
    assert connections_within(20_000) == 15_000
    assert connections_within(1_024) == 942
