"""The alerts: promtool accepts them and runs their tests, and each has a section in the runbook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.markdown import anchors
from tests.support.metric_families import series_names
from tests.support.prometheus import CONFIG, ROOT, RULES, Alert, alerts, promtool, series_in

TESTS = Path(__file__).with_name("alerts.yml")
RUNBOOK = ROOT / "docs" / "runbook.md"
ALERTS = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)


def test_promtool_finds_nothing_in_the_rules_and_the_configuration() -> None:
    for words in (("check", "rules", "--lint-fatal", RULES), ("check", "config", "--lint-fatal", CONFIG)):
        code, output = promtool(*words)
        assert code == 0, output


def test_each_alert_fires_and_stays_silent_as_its_tests_say() -> None:
    code, output = promtool("test", "rules", TESTS)
    assert code == 0, output


@ALERTS
def test_alert_has_a_test_in_which_it_fires_and_one_in_which_it_stays_silent(alert: Alert) -> None:
    found: Any = yaml.safe_load(TESTS.read_text(encoding="utf-8"))
    tests = [each for test in found["tests"] for each in test["alert_rule_test"] if each["alertname"] == alert.name]
    assert any("exp_alerts" in test for test in tests)
    quiet = [test for test in tests if "exp_alerts" not in test]
    others = {"TickerGatewayDown", "TickerGatewayStalls", "TickerRelayStuck"}  # the same test has a series that is well
    assert quiet or alert.name in others


@ALERTS
def test_alert_reads_only_metrics_that_exist(alert: Alert) -> None:
    read = series_in(alert.expr)
    assert read
    assert read <= series_names()


@ALERTS
def test_alert_names_its_section_of_the_runbook(alert: Alert) -> None:
    path, _, anchor = alert.annotations["runbook"].partition("#")
    assert ROOT / path == RUNBOOK
    assert anchor in anchors(RUNBOOK)
    assert alert.labels["severity"] in ("page", "ticket")


def test_each_section_of_the_runbook_belongs_to_an_alert_and_says_what_to_do() -> None:
    sections = re.split(r"^## ", RUNBOOK.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    severities = {alert.name: alert.labels["severity"] for alert in alerts()}
    found = {}
    for section in sections:
        name, severity = re.findall(r"^`(\w+)`, (page|ticket)\.", section, re.MULTILINE)[0]
        found[name] = severity
        assert all(f"**{part}**" in section for part in ("Readers", "Do", "Over when")), section
    assert found == severities
