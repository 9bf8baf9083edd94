"""The recorded data of the dashboard's picture belong to the dashboard, and every panel shows some of them."""

from __future__ import annotations

from tests.dashboard.recording import RECORDING, Recording, as_grafana_sends, dashboard_queries


def test_rate_covers_four_scrapes() -> None:
    assert as_grafana_sends('rate(a{edition=~"$edition"}[$__rate_interval])', 10) == 'rate(a{edition=~".*"}[40s])'


def test_every_panel_of_the_docs_picture_shows_something() -> None:
    """After a change of a query: `python -m tests.dashboard.record`, and `python -m tests.dashboard.draw`."""
    answers = Recording.read(RECORDING).answers
    assert [(each.panel, each.expr) for each in answers] == [(each.panel, each.expr) for each in dashboard_queries()]
    shows = {each.panel for each in answers if any(value for series in each.series for value in series.values)}
    assert {each.panel for each in answers} == shows
