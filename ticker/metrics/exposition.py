"""The formats of `/metrics`: Prometheus's text, OpenMetrics, and protobuf, which has native histograms too."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder

from ticker.metrics import protobuf

_TEXT_TYPES: Final = frozenset({"application/openmetrics-text", "text/plain"})


def encode(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """Return the metrics in the format that the header `Accept` prefers, and their content type."""
    if _prefers_protobuf(accept):
        return protobuf.encode_protobuf(registry), protobuf.CONTENT_TYPE
    try:
        encoder, content_type = choose_encoder(accept)
    except TypeError:  # prometheus_client 0.26 fails if the version in the header isn't a number
        encoder, content_type = generate_latest, CONTENT_TYPE_PLAIN_0_0_4
    return encoder(registry), content_type


def _prefers_protobuf(accept: str) -> bool:
    """Return whether a header accepts our protobuf messages, and no text format before them."""
    ranges = [[part.strip() for part in each.split(";")] for each in accept.lower().split(",")]
    texts = [_quality(each) for each in ranges if each[0] in _TEXT_TYPES]
    wanted = {"proto=io.prometheus.client.metricfamily", "encoding=delimited"}
    messages = [_quality(each) for each in ranges if each[0] == protobuf.MEDIA_TYPE and wanted <= set(each)]
    quality = max(messages, default=0.0)
    return quality > 0 and quality >= max(texts, default=0.0)


def _quality(parts: list[str]) -> float:
    """Return the weight of a media range (RFC 9110, 12.4.2)."""
    for part in parts:
        if part.startswith("q="):
            with suppress(ValueError):
                return float(part[2:])
    return 1.0
