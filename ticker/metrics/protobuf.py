"""The protobuf format of Prometheus, the only one that it reads native histograms from.

prometheus_client has no protobuf format (client_python#918). The messages are those of `io.prometheus.client` in
metrics.proto of https://github.com/prometheus/client_model, each with its length before it. Only six messages are
needed, so this module encodes them itself: the library for protobuf is a compiled dependency, and needs generated code.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from ticker.metrics.families import HistogramFamily
from ticker.metrics.histograms import SCHEMA, ZERO_THRESHOLD, Native

MEDIA_TYPE: Final = "application/vnd.google.protobuf"
CONTENT_TYPE: Final = f"{MEDIA_TYPE}; proto=io.prometheus.client.MetricFamily; encoding=delimited"

_TYPES: Final = {"counter": 0, "gauge": 1, "info": 1, "unknown": 3, "histogram": 4}
"""`MetricType` of each type that our registries have. The field numbers in this module are those of metrics.proto."""
_VALUE_FIELDS: Final = {0: 3, 1: 2, 3: 5}
"""The field of `Metric` that has the value, by `MetricType`."""
_SUFFIXES: Final = {"counter": "_total", "info": "_info"}


def encode_protobuf(registry: CollectorRegistry) -> bytes:
    """Return all metrics of a registry. Its types may be those of `_TYPES`."""
    return b"".join(_delimited(_family(metric)) for metric in registry.collect())


def _family(metric: Metric) -> bytes:
    kind = _TYPES[metric.type]
    head = _text(1, metric.name + _SUFFIXES.get(metric.type, "")) + _text(2, metric.documentation) + _varint(3, kind)
    metrics = _histograms(metric) if metric.type == "histogram" else _values(metric.samples, _VALUE_FIELDS[kind])
    return head + b"".join(_message(4, each) for each in metrics)


def _values(samples: Iterable[Sample], field: int) -> Iterator[bytes]:
    for sample in samples:
        yield _labels(sample.labels) + _message(field, _double(1, sample.value))


def _histograms(metric: Metric) -> Iterator[bytes]:
    natives = metric.natives if isinstance(metric, HistogramFamily) else []
    by_labels = {tuple(sorted(labels.items())): native for labels, native in natives}

    def labels_of(sample: Sample) -> tuple[tuple[str, str], ...]:
        return tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))

    for labels, samples in groupby(metric.samples, labels_of):
        native = by_labels.get(labels)
        body = b"".join(map(_classic, samples)) + (b"" if native is None else _native(native))
        yield _labels(dict(labels)) + _message(7, body)


def _classic(sample: Sample) -> bytes:
    if sample.name.endswith("_bucket"):
        return _message(3, _varint(1, int(sample.value)) + _double(2, float(sample.labels["le"])))
    if sample.name.endswith("_count"):
        return _varint(1, int(sample.value))
    return _double(2, sample.value)


def _native(native: Native) -> bytes:
    """Encode the native buckets. A histogram without any has an empty span, which marks it as native."""
    spans = b"".join(
        _message(12, _varint(1, _zigzag(gap)) + _varint(2, length)) for gap, length in native.spans or ((0, 0),)
    )
    deltas = b"".join(_varint(13, _zigzag(delta)) for delta in native.deltas)
    return _varint(5, _zigzag(SCHEMA)) + _double(6, ZERO_THRESHOLD) + _varint(7, native.zero_count) + spans + deltas


def _labels(labels: dict[str, str]) -> bytes:
    return b"".join(_message(1, _text(1, name) + _text(2, value)) for name, value in sorted(labels.items()))


# The wire format: https://protobuf.dev/programming-guides/encoding/


def _number(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _zigzag(value: int) -> int:
    return value * 2 if value >= 0 else -value * 2 - 1


def _varint(field: int, value: int) -> bytes:
    return _number(field << 3) + _number(value)


def _double(field: int, value: float) -> bytes:
    return _number(field << 3 | 1) + struct.pack("<d", value)


def _message(field: int, data: bytes) -> bytes:
    return _number(field << 3 | 2) + _delimited(data)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _delimited(data: bytes) -> bytes:
    return _number(len(data)) + data
