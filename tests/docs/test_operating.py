"""Compare docs/operating.md with the settings, rules and metrics in the code."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.doc_examples import examples
from ticker.core.edition import Edition, Effect, Quotes
from ticker.core.rules.effects import HOUSE_RULES
from ticker.settings import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"


def test_the_table_of_rules_matches_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text.partition("| rule | default | it finds |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", table, re.MULTILINE)
    assert rows == [(code, rule.effect.value, rule.finds) for code, rule in HOUSE_RULES.items()]


def test_the_example_settings_can_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "ticker.toml"
    editions = list[Edition]()
    for example in examples(PAGE, "toml"):
        path.write_text(example.text, encoding="utf-8")
        editions += load_settings(path, {}).editions.values()
    assert len(editions) == 2
    edition = editions[1]
    assert edition.rules == {"attribution": Effect.OFF, "capitals": Effect.REFUSE}
    assert (edition.quotes, edition.placeholders) == (Quotes.CURLY, ("CHECK", "to come"))
    assert edition.zone == "Europe/London"


def test_the_page_names_every_effect() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{effect.value}`" in text for effect in Effect)
