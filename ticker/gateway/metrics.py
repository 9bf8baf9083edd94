"""The gateway's metrics, collected from its state on each scrape. A scrape changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub
from ticker.gateway.loop_stalls import BOUNDS_S, LoopStalls

_CHANNEL_COUNTERS: Final = {
    "entries": "Entries read from the log.",
    "deliveries": "Entries written to followers.",
    "passes": "Passes over an edition's followers.",
    "pauses": "Times that a follower's write buffer exceeded its limit (follower_buffer_bytes).",
    "heartbeats": "Heartbeats written.",
}


class HubCollector(Collector):
    """Collects the metrics of a hub and its channels."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from self._collect_gateway()
        yield from self._collect_gauges()
        yield from self._collect_counters()

    def _collect_gateway(self) -> Iterator[Metric]:
        hub = self._hub
        refused = CounterMetricFamily("ticker_refused", "Requests refused by a limit, by code.", labels=["code"])
        for code, count in sorted(hub.admission.refused.items()):
            refused.add_metric([code], count)
        yield refused
        yield CounterMetricFamily(
            "ticker_handshakes_timed_out",
            "Connections ended because no complete request came in time (handshake_s).",
            value=hub.limits.timed_out,
        )
        yield CounterMetricFamily(
            "ticker_unread_cut_off",
            "Connections ended because the peer didn't read its responses (follower_paused_s, unread_bytes).",
            value=hub.limits.unread_cut_off,
        )
        yield GaugeMetricFamily(
            "ticker_followers_max", "Maximum number of followers.", value=hub.admission.followers_max
        )
        yield GaugeMetricFamily(
            "ticker_draining", "1 while the gateway closes its followers' connections.", value=hub.is_draining
        )
        yield _stalls(hub.loop_stalls)

    def _channels(self) -> list[Channel]:
        return [channel for _, channel in sorted(self._hub.channels.items())]

    def _collect_gauges(self) -> Iterator[Metric]:
        gauges: dict[str, tuple[str, Callable[[Channel], float]]] = {
            "followers": ("Connected followers.", lambda channel: len(channel.members)),
            "paused": ("Followers paused until their peers have read.", lambda channel: channel.members.paused),
            "frame_caches": ("Different stream options in use.", lambda channel: len(channel.frame_caches)),
            "head": ("The seq of the newest entry.", lambda channel: channel.history.head),
            "following": ("1 while the feed follows the log.", lambda channel: channel.name not in self._hub.troubles),
        }
        for name, (text, value) in gauges.items():
            gauge = GaugeMetricFamily(f"ticker_{name}", text, labels=["edition"])
            for channel in self._channels():
                gauge.add_metric([channel.name], value(channel))
            yield gauge

    def _collect_counters(self) -> Iterator[Metric]:
        channels = self._channels()
        for name, text in _CHANNEL_COUNTERS.items():
            counter = CounterMetricFamily(f"ticker_{name}", text, labels=["edition"])
            for channel in channels:
                counter.add_metric([channel.name], getattr(channel.counts, name))
            yield counter
        resets = CounterMetricFamily(
            "ticker_resets", "Boards sent because a position can't be resumed.", labels=["edition", "reason"]
        )
        for channel in channels:
            for reason, count in sorted(channel.counts.resets.items()):
                resets.add_metric([channel.name, reason], count)
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


def _stalls(stalls: LoopStalls) -> HistogramMetricFamily:
    bounds = [*map(str, BOUNDS_S), "+Inf"]
    return HistogramMetricFamily(
        "ticker_loop_stall_seconds",
        "Delays of the event loop.",
        buckets=list(zip(bounds, accumulate(stalls.counts), strict=True)),
        sum_value=stalls.total_s,
    )


def make_registry(hub: Hub, others: Sequence[Collector] = ()) -> CollectorRegistry:
    """Return a registry with the metrics of the hub, of this process, and of `others`."""
    registry = CollectorRegistry()
    for collector in (HubCollector(hub), *others):
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
