"""The gateway's metrics, collected from its state on each scrape. A scrape changes nothing.

`docs/metrics.md` explains each one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ticker.core.log_window import Reset
from ticker.gateway.channel import Channel
from ticker.gateway.connection_limits import Close
from ticker.gateway.follower import Leave
from ticker.gateway.hub import Hub
from ticker.metrics.families import Families, HistogramFamily, counted_from_zero, families, family
from ticker.metrics.histograms import Histogram
from ticker.metrics.registry import make_registry as make_part_registry

PART: Final = "gateway"

_HUB_COUNTERS: Final[Families[Hub]] = {
    "connections_opened": ("Connections accepted.", lambda hub: hub.limits.opened),
    "handshakes_timed_out": (
        "Connections ended because no complete request came in time (handshake_s).",
        lambda hub: hub.limits.timed_out,
    ),
    "unread_cut_off": (
        "Connections ended because the peer didn't read its responses (follower_paused_s, unread_bytes).",
        lambda hub: hub.limits.unread_cut_off,
    ),
    "feed_failures": (
        "Times that a feed had to start again, for example because Redis was away.",
        lambda hub: hub.feed_failures,
    ),
}
_HUB_GAUGES: Final[Families[Hub]] = {
    "connections": (
        "Open connections, followers included.",
        lambda hub: hub.limits.opened - hub.limits.closed.total(),
    ),
    "followers_max": ("Maximum number of followers.", lambda hub: hub.admission.followers_max),
    "draining": ("1 while the gateway closes its followers' connections.", lambda hub: hub.is_draining),
}
_CHANNEL_GAUGES: Final[Families[Channel]] = {
    "followers": ("Connected followers.", lambda channel: len(channel.members)),
    "paused": ("Followers paused until their peers have read.", lambda channel: len(channel.members.paused)),
    "frame_caches": ("Different selections and framings in use.", lambda channel: len(channel.frame_caches)),
    "head": ("The seq of the newest entry.", lambda channel: channel.history.log.head),
}
_CHANNEL_COUNTERS: Final[Families[Channel]] = {
    "followers_joined": ("Followers that joined.", lambda channel: channel.counts.joined),
    "entries": ("Entries read from the log since it was loaded.", lambda channel: channel.counts.entries),
    "entries_loaded": (
        "Entries loaded together, at the start or because the history was replaced.",
        lambda channel: channel.counts.loaded,
    ),
    "deliveries": ("Entries written to followers.", lambda channel: channel.counts.deliveries),
    "replayed": ("Deliveries to followers that had missed the entry.", lambda channel: channel.counts.replayed),
    "written_bytes": (
        "Bytes written to followers, from the response to the handshake on.",
        lambda channel: channel.counts.written_bytes,
    ),
    "passes": ("Passes over an edition's followers.", lambda channel: channel.counts.passes),
    "pauses": (
        "Times that a follower's write buffer exceeded its limit (follower_buffer_bytes).",
        lambda channel: channel.counts.pauses,
    ),
    "heartbeats": ("Heartbeats written.", lambda channel: channel.counts.heartbeats),
    "tail_requests": (
        "Requests for the tail, from caches and from readers that poll.",
        lambda channel: channel.counts.tail_requests,
    ),
}
_CHANNEL_HISTOGRAMS: Final[Mapping[str, tuple[str, Callable[[Channel], Histogram]]]] = {
    "posted_to_written_seconds": (
        "Time from the submission of an entry until the pass that wrote it to all followers was over.",
        lambda channel: channel.counts.posted_to_written_s,
    ),
    "pass_seconds": ("Durations of the passes.", lambda channel: channel.counts.pass_s),
}
_HUB_HISTOGRAMS: Final[Mapping[str, tuple[str, Callable[[Hub], Histogram]]]] = {
    "handshake_seconds": (
        "Time from a connection, or from a request on an older one, until the response that accepts a follower.",
        lambda hub: hub.limits.handshake_s,
    ),
    "loop_stall_seconds": ("Delays of the event loop.", lambda hub: hub.loop_stalls),
}
_EDITION: Final = ["edition"]

COUNTED: Final = (
    *("address-busy", "address-full", "address-selections", "behind", "busy", "connections", "draining", "full"),
    *("host", "malformed", "method", "no-keys", "pipelined", "selections", "target", "too-big"),
    *("status-closed", "status-guesses", "status-token", "status-token-invalid", "status-viewers"),
    *("token", "token-edition", "token-expired", "token-invalid"),
)
"""The codes of the refusals that `ticker_refused_total` counts."""


class HubCollector(Collector):
    """Collects the metrics of a hub and its channels."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from self._collect_gateway()
        yield from self._collect_editions()
        yield from self._collect_channels()

    def _collect_gateway(self) -> Iterator[Metric]:
        hub = self._hub
        yield from families(CounterMetricFamily, "ticker", _HUB_COUNTERS, [], [([], hub)])
        yield from families(GaugeMetricFamily, "ticker", _HUB_GAUGES, [], [([], hub)])
        closed = (([reason.value], hub.limits.closed[reason]) for reason in Close)
        text = "Connections closed, by what they were."
        yield family(CounterMetricFamily, "ticker_connections_closed", text, ["reason"], closed)
        refused = (([code], count) for code, count in counted_from_zero(hub.admission.refused, COUNTED))
        yield family(CounterMetricFamily, "ticker_refused", "Refused requests, by code.", ["code"], refused)
        hits = (([limit], count) for limit, count in limit_hits(hub).items())
        text = "Times that a limit applied, by its setting."
        yield family(CounterMetricFamily, "ticker_limit_hits", text, ["limit"], hits)
        for name, (text, histogram) in _HUB_HISTOGRAMS.items():
            histograms = HistogramFamily(f"ticker_{name}", text)
            histograms.add_metric([], histogram(hub))
            yield histograms

    def _collect_editions(self) -> Iterator[Metric]:
        """Yield the metrics of all editions, including those without a channel: their logs couldn't be loaded."""
        hub, now = self._hub, monotonic()
        names = sorted(hub.editions | hub.channels.keys())
        following = (([name], name in hub.channels and name not in hub.troubles) for name in names)
        yield family(GaugeMetricFamily, "ticker_following", "1 while the feed follows the log.", _EDITION, following)
        damaged = (([name], name in hub.damaged) for name in names)
        yield family(GaugeMetricFamily, "ticker_log_damaged", "1 if the log doesn't verify.", _EDITION, damaged)
        lags = (([name], now - hub.read_at.get(name, hub.began_at)) for name in names)
        text = "Seconds since the feed had every entry of the log: at most this old is an entry that it lacks."
        yield family(GaugeMetricFamily, "ticker_feed_lag_seconds", text, _EDITION, lags)

    def _collect_channels(self) -> Iterator[Metric]:
        channels = [([name], channel) for name, channel in sorted(self._hub.channels.items())]
        yield from families(GaugeMetricFamily, "ticker", _CHANNEL_GAUGES, _EDITION, channels)
        yield from families(CounterMetricFamily, "ticker", _CHANNEL_COUNTERS, _EDITION, channels)
        labels = ["edition", "reason"]
        left = (([*name, reason.value], channel.counts.left[reason]) for name, channel in channels for reason in Leave)
        text = "Followers that left, by reason."
        yield family(CounterMetricFamily, "ticker_followers_left", text, labels, left)
        resets = (
            ([*name, reason.value], channel.counts.resets[reason]) for name, channel in channels for reason in Reset
        )
        text = "Boards sent because a position can't be resumed."
        yield family(CounterMetricFamily, "ticker_resets", text, labels, resets)
        for name, (text, histogram) in _CHANNEL_HISTOGRAMS.items():
            histograms = HistogramFamily(f"ticker_{name}", text, _EDITION)
            for values, channel in channels:
                histograms.add_metric(values, histogram(channel))
            yield histograms


def limit_hits(hub: Hub) -> dict[str, int]:
    """Return how often each limit applied, by its setting. The last three limits are fixed and have no setting.

    A hit is a refusal, a connection that was ended, or a follower that was paused.
    """
    refused, limits = hub.admission.refused, hub.limits
    counts = [channel.counts for channel in hub.channels.values()]

    def left(reason: Leave) -> int:
        return sum(each.left[reason] for each in counts)

    return {
        "followers": refused["full"],
        "followers_per_address": refused["address-full"] + refused["address-busy"],
        "handshakes_per_s": refused["busy"],
        "frame_caches": refused["selections"],
        "selections_per_address": refused["address-selections"],
        "handshake_s": limits.timed_out,
        "unread_bytes": limits.unread_excess,
        "follower_paused_s": limits.unread_cut_off - limits.unread_excess + left(Leave.SLOW),
        "follower_buffer_bytes": sum(each.pauses for each in counts),
        "reader_message_bytes": left(Leave.TOO_BIG),
        "open_files": refused["connections"],
        "request_bytes": refused["too-big"],
        "pipelined_requests": refused["pipelined"],
    }


def make_registry(hub: Hub, others: Sequence[Collector] = (), part: str = PART) -> CollectorRegistry:
    """Return a registry with the metrics of the hub, of this process, and of `others`."""
    return make_part_registry(part, [HubCollector(hub), *others], lambda: hub.outages)
