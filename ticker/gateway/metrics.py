"""The gateway's metrics, collected from its state on each scrape. A scrape changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticker.gateway.channel import Channel
from ticker.gateway.hub import Hub

_CHANNEL_COUNTERS: Final = {
    "entries": "Entries read from the log.",
    "deliveries": "Entries written to followers.",
    "passes": "Passes over an edition's followers.",
    "pauses": "Times that a follower's write buffer exceeded its limit (follower_buffer_bytes).",
    "heartbeats": "Heartbeats written.",
}
_LABELLED_COUNTERS: Final = {
    "resets": ("reason", "Boards sent because a position can't be resumed."),
    "closed": (
        "code",
        (
            "Followers closed by the gateway, by code: 1008 sent data, 1009 sent too much (reader_message_bytes), "
            "1012 drained, 1013 paused for too long (follower_paused_s)."
        ),
    ),
}


class HubCollector(Collector):
    """Collects the metrics of a hub and its channels."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from self._collect_gateway()
        yield from self._collect_channels([channel for _, channel in sorted(self._hub.channels.items())])

    def _collect_gateway(self) -> Iterator[Metric]:
        hub = self._hub
        refused = (([code], count) for code, count in sorted(hub.admission.refused.items()))
        yield _family(CounterMetricFamily, "refused", "Requests refused by a limit, by code.", ["code"], refused)
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
        yield CounterMetricFamily(
            "ticker_feed_failures",
            "Times that a feed had to start again, for example because Redis was away.",
            value=hub.feed_failures,
        )
        yield from hub.loop_stalls.collect()

    def _collect_channels(self, channels: list[Channel]) -> Iterator[Metric]:
        gauges: dict[str, tuple[str, Callable[[Channel], float]]] = {
            "followers": ("Connected followers.", lambda channel: len(channel.members)),
            "paused": ("Followers paused until their peers have read.", lambda channel: len(channel.members.paused)),
            "frame_caches": ("Different selections and framings in use.", lambda channel: len(channel.frame_caches)),
            "head": ("The seq of the newest entry.", lambda channel: channel.history.log.head),
        }
        for name, (text, value) in gauges.items():
            gauge = (([channel.name], value(channel)) for channel in channels)
            yield _family(GaugeMetricFamily, name, text, ["edition"], gauge)
        yield from self._collect_editions()
        for name, text in _CHANNEL_COUNTERS.items():
            counter = (([channel.name], getattr(channel.counts, name)) for channel in channels)
            yield _family(CounterMetricFamily, name, text, ["edition"], counter)
        for name, (label, text) in _LABELLED_COUNTERS.items():
            labelled = (
                ([channel.name, str(value)], count)
                for channel in channels
                for value, count in sorted(getattr(channel.counts, name).items())
            )
            yield _family(CounterMetricFamily, name, text, ["edition", label], labelled)

    def _collect_editions(self) -> Iterator[Metric]:
        """Yield the metrics of all editions, including those without a channel: their logs couldn't be loaded."""
        hub = self._hub
        names = sorted(hub.editions | hub.channels.keys())
        following = (([name], name in hub.channels and name not in hub.troubles) for name in names)
        yield _family(GaugeMetricFamily, "following", "1 while the feed follows the log.", ["edition"], following)
        damaged = (([name], name in hub.damaged) for name in names)
        yield _family(GaugeMetricFamily, "log_damaged", "1 if the log doesn't verify.", ["edition"], damaged)


F = TypeVar("F", CounterMetricFamily, GaugeMetricFamily)


def _family(kind: type[F], name: str, text: str, labels: list[str], samples: Iterable[tuple[list[str], float]]) -> F:
    family = kind(f"ticker_{name}", text, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family


def make_registry(hub: Hub, others: Sequence[Collector] = ()) -> CollectorRegistry:
    """Return a registry with the metrics of the hub, of this process, and of `others`."""
    # Without this, the histogram would be the only metric with a `_created` series.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    for collector in (HubCollector(hub), *others):
        registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
