"""`/metrics` has the format that the scraper prefers. Only protobuf has native histograms."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeAlias

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from ticker.metrics.exposition import encode
from ticker.metrics.families import HistogramFamily
from ticker.metrics.histograms import Histogram
from ticker.metrics.protobuf import CONTENT_TYPE

PROMETHEUS_2_42 = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,"
    "application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""The header of Prometheus with --enable-feature=native-histograms (scrape.go)."""
Field: TypeAlias = tuple[int, "int | float | bytes"]


class Metrics(Collector):
    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("ticker_passes", "Passes.", value=7)
        draining = GaugeMetricFamily("ticker_followers", "Followers.", labels=["edition"])
        draining.add_metric(["en"], 2.5)
        yield draining
        yield InfoMetricFamily("python", "Python.", value={"version": "3"})
        histogram = Histogram((0.5, 2.0))
        for value in (0.3, 1.0, 1.0, 8.0, 0.0):
            histogram.observe(value)
        histograms = HistogramFamily("ticker_pass_seconds", "Durations.", ["edition"])
        histograms.add_metric(["en"], histogram)
        histograms.add_metric(["es"], Histogram((0.5, 2.0)))
        yield histograms


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(Metrics())
    return made


def fields(data: bytes) -> list[Field]:
    """Decode one protobuf message, without knowing its fields."""
    found: list[Field] = []
    place = 0

    def number() -> int:
        nonlocal place
        value, shift = 0, 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        tag = number()
        if tag & 7 == 0:
            found.append((tag >> 3, number()))
        elif tag & 7 == 1:
            found.append((tag >> 3, struct.unpack_from("<d", data, place)[0]))
            place += 8
        else:
            assert tag & 7 == 2, tag
            length = number()
            found.append((tag >> 3, data[place : place + length]))
            place += length
    return found


def messages(data: bytes) -> list[bytes]:
    """Split delimited messages: each has its length before it, like a field without a tag."""
    found: list[bytes] = []
    while data:
        length, size = 0, 0
        while True:
            length |= (data[size] & 0x7F) << 7 * size
            size += 1
            if data[size - 1] < 0x80:
                break
        found.append(data[size : size + length])
        data = data[size + length :]
    return found


def values_of(data: object, field: int) -> list[int | float | bytes]:
    assert isinstance(data, bytes)
    return [value for each, value in fields(data) if each == field]


def test_protobuf_has_every_family_with_its_type(registry: CollectorRegistry) -> None:
    body, content_type = encode(registry, PROMETHEUS_2_42)
    assert content_type == CONTENT_TYPE
    heads = [(values_of(each, 1)[0], values_of(each, 3)[0]) for each in messages(body)]
    assert heads == [
        (b"ticker_passes_total", 0),
        (b"ticker_followers", 1),
        (b"python_info", 1),
        (b"ticker_pass_seconds", 4),
    ]
    counter, gauge = (values_of(each, 4)[0] for each in messages(body)[:2])
    assert values_of(values_of(counter, 3)[0], 1) == [7.0]
    assert fields(bytes(values_of(gauge, 1)[0])) == [(1, b"edition"), (2, b"en")]  # type: ignore[arg-type]
    assert values_of(values_of(gauge, 2)[0], 1) == [2.5]


def test_protobuf_has_classic_and_native_buckets(registry: CollectorRegistry) -> None:
    en, es = (values_of(each, 7)[0] for each in values_of(messages(encode(registry, PROMETHEUS_2_42)[0])[3], 4))
    assert (values_of(en, 1), values_of(en, 2)) == ([5], [10.3])
    assert [(values_of(each, 1)[0], values_of(each, 2)[0]) for each in values_of(en, 3)] == [
        (2, 0.5),
        (4, 2.0),
        (5, float("inf")),
    ]
    assert (values_of(en, 5), values_of(en, 6), values_of(en, 7)) == ([6], [2.0**-20], [1])
    spans = [(values_of(each, 1)[0], values_of(each, 2)[0]) for each in values_of(en, 12)]
    assert spans == [(25, 1), (24, 1), (46, 1)]  # zigzag: -13, then gaps of 12 and 23
    assert values_of(en, 13) == [2, 2, 1]  # zigzag: 1, +1, -1
    assert [fields(each) for each in values_of(es, 12) if isinstance(each, bytes)] == [[(1, 0), (2, 0)]]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text"),
        ("application/openmetrics-text; version=new", "text/plain"),
        (PROMETHEUS_2_42, "application/vnd.google.protobuf"),
        ("text/plain;version=0.0.4;q=0.8, " + CONTENT_TYPE + ";q=0.5", "text/plain"),
        (CONTENT_TYPE + ";q=0", "text/plain"),
        ("application/vnd.google.protobuf", "text/plain"),
        (CONTENT_TYPE.replace("delimited", "text"), "text/plain"),
    ],
)
def test_scraper_chooses_the_format(registry: CollectorRegistry, accept: str, expected: str) -> None:
    assert encode(registry, accept)[1].partition(";")[0] == expected


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text;version=1.0.0"])
def test_text_has_the_classic_buckets_alone(registry: CollectorRegistry, accept: str) -> None:
    text = encode(registry, accept)[0].decode()
    (found,) = (each for each in text_string_to_metric_families(text) if each.name == "ticker_pass_seconds")
    assert [(each.name, each.labels.get("le"), each.value) for each in found.samples[:5]] == [
        ("ticker_pass_seconds_bucket", "0.5", 2),
        ("ticker_pass_seconds_bucket", "2.0", 4),
        ("ticker_pass_seconds_bucket", "+Inf", 5),
        ("ticker_pass_seconds_count", None, 5),
        ("ticker_pass_seconds_sum", None, 10.3),
    ]
