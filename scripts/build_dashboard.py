"""Write the Grafana dashboard, `deploy/grafana/ticker.json`: `python -m scripts.build_dashboard`.

Grafana's own types (grafana-foundation-sdk) describe it, so mypy checks its fields. Change the panels here, and never
the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

TARGET: Final = Path(__file__).parents[1] / "deploy" / "grafana" / "ticker.json"
DATA_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
CHOSEN: Final = 'edition=~"$edition"'
"""The label of the chosen editions. Panels of a whole process lack it."""


FEED: Final = "{{edition}} {{instance}} {{worker}}"
PROCESS: Final = "{{job}} {{instance}} {{worker}}"
"""The names of series, one per feed or process."""


class Query(NamedTuple):
    """A query of a panel, and the name of its series."""

    expr: str
    legend: str


class Graph(NamedTuple):
    """A panel with series over time. `unit` is one of Grafana's. `about` explains what to look for."""

    title: str
    unit: str
    about: str
    queries: tuple[Query, ...]
    steps: tuple[tuple[float, str], ...] = ()
    """The colors of a panel with one value, each with the value from which it applies. The first one is -infinity."""


ALL_OR_RED: Final = ((-math.inf, "red"), (1.0, "green"))
SLOW: Final = ((-math.inf, "green"), (1.0, "orange"), (2.0, "red"))


def _rate(metric: str, by: str, match: str = CHOSEN) -> str:
    return f"sum by ({by}) (rate({metric}{{{match}}}[$__rate_interval]))"


def _quantile(quantile: float, metric: str, match: str = CHOSEN) -> str:
    rate = _rate(f"{metric}_bucket", "le", match)
    return f"histogram_quantile({quantile:g}, {rate})"


def _quantiles(metric: str, match: str = CHOSEN) -> tuple[Query, ...]:
    return tuple(Query(_quantile(each / 100, metric, match), f"p{each}") for each in (50, 90, 99))


def _per_second(title: str, about: str, metric: str, by: str, *, match: str = CHOSEN, unit: str = "short") -> Graph:
    """Return a panel with the rate of a counter, with a series for each value of the labels `by`."""
    return Graph(title, unit, about, (Query(_rate(metric, by, match), _legend(by)),))


def _events_per_second(title: str, about: str, metric: str, by: str, *, match: str = CHOSEN) -> Graph:
    """Return a panel like `_per_second`, but without the series in which nothing happens: there are dozens of them."""
    return Graph(title, "short", about, (Query(f"{_rate(metric, by, match)} > 0", _legend(by)),))


def _legend(by: str) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by.split(", "))


STATS: Final = (
    Graph(
        "Readers",
        "short",
        "Connected followers of the chosen editions.",
        (Query(f"sum(ticker_followers{{{CHOSEN}}})", "readers"),),
    ),
    Graph(
        "Deliveries per second",
        "short",
        "Entries written to followers.",
        (Query(f"sum(rate(ticker_deliveries_total{{{CHOSEN}}}[$__rate_interval]))", "deliveries"),),
    ),
    Graph(
        "Posted to written, p99",
        "s",
        "From the submission until all followers have the line.",
        (Query(_quantile(0.99, "ticker_posted_to_written_seconds"), "p99"),),
        SLOW,
    ),
    Graph(
        "Editions that can publish",
        "percentunit",
        "A desk accepts submissions and can append to the log.",
        (
            Query(
                f"avg(max by (edition) (ticker_desk_accepting{{{CHOSEN}}} * (1 - ticker_desk_fault{{{CHOSEN}}})))",
                "editions",
            ),
        ),
        ALL_OR_RED,
    ),
    Graph(
        "Feeds that follow the log",
        "percentunit",
        "Below 100 %, a gateway shows an old board.",
        (Query(f"avg(ticker_following{{{CHOSEN}}})", "feeds"),),
        ALL_OR_RED,
    ),
    Graph(
        "Held items",
        "short",
        "They wait for their time or for a person.",
        (Query(f"sum(ticker_desk_held{{{CHOSEN}}})", "held"),),
    ),
)

ROWS: Final[dict[str, tuple[Graph, ...]]] = {
    "Readers": (
        Graph(
            "Readers by edition",
            "short",
            "A sudden drop: see why they left, in the next panel.",
            (Query(f"sum by (edition) (ticker_followers{{{CHOSEN}}})", "{{edition}}"),),
        ),
        _per_second(
            "Followers that left, per second",
            "By reason. `lost` for many at once: a proxy or a network failed.",
            "ticker_followers_left_total",
            "reason",
        ),
        Graph(
            "Connections per second",
            "short",
            "Opened, and closed by what they were.",
            (
                Query(_rate("ticker_connections_opened_total", "job", ""), "opened"),
                Query(_rate("ticker_connections_closed_total", "reason", ""), "closed: {{reason}}"),
            ),
        ),
        _events_per_second(
            "Refused requests, per second",
            "`full`, `busy` and `connections`: readers are turned away.",
            "ticker_refused_total",
            "code",
            match="",
        ),
        Graph(
            "Handshakes",
            "s",
            "From the request until the response that accepts a follower.",
            (*_quantiles("ticker_handshake_seconds", ""),),
        ),
        Graph(
            "Limits that applied, per second",
            "short",
            "By setting.",
            (
                Query(f"{_rate('ticker_limit_hits_total', 'limit', '')} > 0", "{{limit}}"),
                Query(f"{_rate('ticker_desk_limit_hits_total', 'limit')} > 0", "desk: {{limit}}"),
            ),
        ),
    ),
    "Delivery": (
        Graph(
            "Posted to written",
            "s",
            "From the submission of a line until the last follower has it.",
            (*_quantiles("ticker_posted_to_written_seconds"),),
        ),
        Graph("Passes", "s", "Durations of the passes over all followers.", (*_quantiles("ticker_pass_seconds"),)),
        Graph(
            "Deliveries per second",
            "short",
            "Replayed: the follower had missed the line.",
            (
                Query(_rate("ticker_deliveries_total", "edition"), "{{edition}}"),
                Query(f"sum(rate(ticker_replayed_total{{{CHOSEN}}}[$__rate_interval]))", "replayed"),
            ),
        ),
        _per_second("Bytes per second", "Written to followers.", "ticker_written_bytes_total", "edition", unit="Bps"),
        Graph(
            "Feed lag",
            "s",
            "How long ago each feed had every entry. Up to 3 s without news.",
            (Query(f"ticker_feed_lag_seconds{{{CHOSEN}}}", FEED),),
        ),
        Graph(
            "Entries that gateways lack",
            "short",
            "Compared with the desk. Above 0 for long: a gateway is behind.",
            (
                Query(
                    "clamp_min(max by (edition) (ticker_desk_head) "
                    f"- on (edition) group_right () ticker_head{{{CHOSEN}}}, 0)",
                    FEED,
                ),
            ),
        ),
        Graph(
            "Event loop",
            "s",
            "Delays, rounded up; above 2 s, up to 5 s. Meanwhile, nothing was written to anybody.",
            (
                Query(_quantile(0.99, "ticker_loop_stall_seconds", ""), "p99"),
                Query(_quantile(1, "ticker_loop_stall_seconds", ""), "longest"),
            ),
        ),
        _per_second(
            "Resets per second",
            "Boards in place of entries. `replaced`: the log changed.",
            "ticker_resets_total",
            "reason",
        ),
    ),
    "Desk and Redis": (
        _per_second(
            "Settled requests, per second", "`late`: no desk answered in time.", "ticker_desk_settled_total", "status"
        ),
        _events_per_second(
            "Findings per second", "Of the rules, by effect.", "ticker_desk_findings_total", "rule, effect"
        ),
        Graph(
            "Held items",
            "short",
            "By reason. `overdue` and `approval` wait for a person.",
            (Query(f"sum by (reason) (ticker_desk_held{{{CHOSEN}}})", "{{reason}}"),),
        ),
        Graph(
            "Oldest item that waits for a person",
            "s",
            "Above 15 minutes, somebody is called.",
            (Query(f"max by (edition) (ticker_desk_waiting_seconds{{{CHOSEN}}})", "{{edition}}"),),
        ),
        Graph(
            "Parts that can't reach Redis",
            "short",
            "Above 0, editors can't publish, or gateways show an old board.",
            (Query("sum by (job) (1 - ticker_redis_up)", "{{job}}"),),
        ),
        _per_second(
            "Failures because of Redis, per second",
            "By cause. All but `unreachable` and `other` need a person.",
            "ticker_redis_errors_total",
            "error",
            match="",
        ),
    ),
    "Relay and process": (
        Graph(
            "Backlog of receivers",
            "s",
            "Age of the oldest delivery that waits.",
            (
                Query(
                    f"max by (receiver, edition) (ticker_relay_backlog_seconds{{{CHOSEN}}})", "{{receiver}} {{edition}}"
                ),
            ),
        ),
        _events_per_second(
            "Answers to a CMS, per second", "By status and code.", "ticker_api_answers_total", "status, code", match=""
        ),
        Graph(
            "Memory",
            "bytes",
            "Of each process.",
            (Query('process_resident_memory_bytes{job=~"ticker-.*"}', PROCESS),),
        ),
        Graph(
            "CPU",
            "percentunit",
            "Of one core, per process.",
            (
                Query(
                    'rate(process_cpu_seconds_total{job=~"ticker-.*"}[$__rate_interval])',
                    PROCESS,
                ),
            ),
        ),
    ),
}


def _targets(graph: Graph) -> Iterator[prometheus.Dataquery]:
    for number, query in enumerate(graph.queries):
        made = prometheus.Dataquery().expr(query.expr).legend_format(query.legend).ref_id(chr(ord("A") + number))
        yield made.datasource(DATA_SOURCE)


def _stat(graph: Graph) -> stat.Panel:
    panel = stat.Panel().title(graph.title).description(graph.about).unit(graph.unit).datasource(DATA_SOURCE)
    for target in _targets(graph):
        panel.with_target(target.instant())
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"])).graph_mode(BigValueGraphMode.NONE)
    # Without thresholds of its own, a panel gets those of Grafana: red from 80 on.
    steps = graph.steps or ((-math.inf, "text"),)
    thresholds = ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE)
    panel.thresholds(thresholds.steps([Threshold(None if value < 0 else value, color) for value, color in steps]))
    panel.color_mode(BigValueColorMode.VALUE)
    return panel.height(4).span(4)


def _graph(graph: Graph) -> timeseries.Panel:
    panel = timeseries.Panel().title(graph.title).description(graph.about).unit(graph.unit).datasource(DATA_SOURCE)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    for target in _targets(graph):
        panel.with_target(target)
    return panel.min(0).line_width(1).fill_opacity(8).height(8).span(12)


def build() -> str:
    """Return the dashboard as JSON."""
    dashboard = (
        Dashboard("Ticker")
        .uid("breaking-ticker")
        .description("Readers, delivery, the desk and Redis. docs/metrics.md explains the metrics.")
        .tags(["ticker"])
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            QueryVariable("edition")
            .label("Edition")
            .datasource(DATA_SOURCE)
            .query("label_values(ticker_head, edition)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
    )
    for graph in STATS:
        dashboard.with_panel(_stat(graph))
    for title, graphs in ROWS.items():
        dashboard.with_row(Row(title))
        for graph in graphs:
            dashboard.with_panel(_graph(graph))
    return json.dumps(json.loads(JSONEncoder(sort_keys=True).encode(dashboard.build())), indent=2) + "\n"


def main() -> None:
    """Write the dashboard."""
    TARGET.write_text(build(), encoding="utf-8")


if __name__ == "__main__":
    main()
