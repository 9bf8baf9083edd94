"""The gateway's metrics, read from its state when somebody asks: counting costs the fan-out path nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_CHANNEL_COUNTERS = {
    "entries": "Entries taken from the log.",
    "deliveries": "Entries written to followers.",
    "passes": "Passes over an edition's followers.",
    "pauses": "Times that a follower's transport was full (follower_buffer_bytes).",
    "heartbeats": "Beats written.",
}


class HubCollector(Collector):
    """Turns a hub's state into metric families."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        yield from self._of_gateway()
        yield from self._of_channels()

    def _of_gateway(self) -> Iterator[Metric]:
        hub = self._hub
        refused = CounterMetricFamily("ticker_refused", "Requests refused by a bound, by its code.", labels=["code"])
        for code, count in sorted(hub.admission.refused.items()):
            refused.add_metric([code], count)
        yield refused
        yield CounterMetricFamily(
            "ticker_handshakes_timed_out",
            "Connections cut off because no request came in time (handshake_s).",
            value=hub.handshakes_timed_out,
        )
        yield CounterMetricFamily(
            "ticker_unread_cut_off",
            "Connections cut off because they didn't take their answers (follower_paused_s, unread_bytes).",
            value=hub.unread_cut_off,
        )
        yield GaugeMetricFamily("ticker_followers_max", "How many followers may be.", value=hub.admission.followers_max)
        yield GaugeMetricFamily("ticker_draining", "1 while the gateway lets its followers go.", value=hub.is_draining)
        stall, hub.loop_stall_s = hub.loop_stall_s, 0.0
        yield GaugeMetricFamily(
            "ticker_loop_stall_seconds_max", "The event loop's longest stall since the last reading.", value=stall
        )

    def _of_channels(self) -> Iterator[Metric]:
        channels = [self._hub.channels[name] for name in sorted(self._hub.channels)]
        gauges: dict[str, tuple[str, Callable[[Channel], float]]] = {
            "followers": ("Connected followers.", lambda c: c.followers),
            "paused": ("Followers left out of passes until they have read.", lambda c: c.paused),
            "views": ("Views: different wishes in use.", lambda c: len(c.views)),
            "head": ("The seq of the newest entry.", lambda c: c.log.head),
            "following": ("1 while the feed follows the log.", lambda c: c.name not in self._hub.troubles),
        }
        for name, (text, value) in gauges.items():
            gauge = GaugeMetricFamily(f"ticker_{name}", text, labels=["edition"])
            for channel in channels:
                gauge.add_metric([channel.name], value(channel))
            yield gauge
        for name, text in _CHANNEL_COUNTERS.items():
            counter = CounterMetricFamily(f"ticker_{name}", text, labels=["edition"])
            for channel in channels:
                counter.add_metric([channel.name], getattr(channel.counts, name))
            yield counter
        resets = CounterMetricFamily(
            "ticker_resets", "Boards sent for a position that doesn't hold.", labels=["edition", "why"]
        )
        for channel in channels:
            for why, count in sorted(channel.counts.resets.items()):
                resets.add_metric([channel.name, why], count)
        yield resets
        closed = CounterMetricFamily(
            "ticker_closed",
            "Followers closed by the gateway, by code: 1008 sent data, 1009 sent too much (reader_message_bytes), "
            "1012 drained, 1013 paused for too long (follower_paused_s).",
            labels=["edition", "code"],
        )
        for channel in channels:
            for number, count in sorted(channel.counts.closed.items()):
                closed.add_metric([channel.name, str(int(number))], count)
        yield closed


def make_registry(hub: Hub, others: Sequence[Collector] = ()) -> CollectorRegistry:
    """What tells of a hub and its process, and of `others` that run in the same process."""
    registry = CollectorRegistry()
    for collector in (HubCollector(hub), *others):
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    """All metrics in Prometheus's text format."""
    return generate_latest(registry)
