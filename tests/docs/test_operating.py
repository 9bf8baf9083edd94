"""Compare docs/operating.md with the settings and rules in the code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from tests.support.doc_examples import examples
from ticker.core.edition import Edition, Effect, Quotes
from ticker.core.rules.effects import HOUSE_RULES
from ticker.doctor.diagnosis import CODES, Area
from ticker.settings import Settings, load_settings

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


def test_the_table_of_rules_matches_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("| rule | default | it finds |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(code, rule.effect.value, rule.finds) for code, rule in HOUSE_RULES.items()]


def test_the_example_settings_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "ticker.toml"
    (example,) = examples(PAGE, "toml")
    path.write_text(example.text, encoding="utf-8")
    (edition,) = load_settings(path, {}).editions.values()
    assert edition.rules == {"attribution": Effect.OFF, "capitals": Effect.REFUSE}
    assert (edition.quotes, edition.placeholders) == (Quotes.CURLY, ("CHECK", "to come"))
    assert edition.zone == "Europe/London"


def test_the_table_of_areas_has_every_code_of_the_doctor_in_order() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("| area | it examines | codes |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", table, re.MULTILINE)
    assert [area for area, _ in rows] == list(Area)
    assert tuple(code for _, codes in rows for code in re.findall(r"`([a-z0-9-]+)`", codes)) == CODES


def test_the_page_names_every_effect() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{effect.value}`" in text for effect in Effect)


def test_the_table_of_settings_has_every_setting_and_no_other() -> None:
    assert _names_in_table("| setting | default | meaning |") == _fields(Settings) - {"editions"}


def test_the_table_of_edition_settings_has_every_setting_and_no_other() -> None:
    required = {"title", "lang", "dir"}
    assert _names_in_table("| setting of an edition | default | meaning |") == _fields(Edition) - required


def test_every_log_event_on_the_page_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("| event | meaning |")[2].partition("\n\n")[0]
    events = [event for row in table.splitlines()[2:] for event in re.findall("`([^`]+)`", row.split("|")[1])]
    assert len(events) > 5
    source = "".join(path.read_text(encoding="utf-8") for path in (PAGE.parents[1] / "ticker").rglob("*.py"))
    composed = {"redis-interrupted", "desk-interrupted", "feed-interrupted"}  # in ticker/outages.py
    assert [event for event in events if event not in composed and f'"{event}"' not in source] == []


def _names_in_table(head: str) -> set[str]:
    """Return the names in the first column of the table with this head."""
    text = PAGE.read_text(encoding="utf-8")
    rows = text.partition(head)[2].partition("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def _fields(kind: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(kind)}
