"""The editions have the same order everywhere: those that come with Ticker, then the others by name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.request import urlopen

from tests.support.system import System
from ticker.core.edition import DEFAULT_EDITIONS, in_order
from ticker.settings import load_settings

ORDER = ["en", "ar", "es"]


def test_the_order_is_that_of_the_defaults_and_then_of_the_names() -> None:
    assert list(DEFAULT_EDITIONS) == ORDER
    assert in_order({"sport", "es", "ar", "culture", "en"}) == [*ORDER, "culture", "sport"]


def test_commands_pages_and_requests_list_the_editions_in_this_order(system: System) -> None:
    assert [each["name"] for each in system.tick("editions", "--json").json["editions"]] == ORDER
    assert f"several editions exist ({', '.join(ORDER)})" in system.tick("board").err
    with urlopen(f"{system.url}/v1/editions") as response:
        assert [each["name"] for each in json.load(response)["editions"]] == ORDER
    with urlopen(f"{system.url}/readyz") as response:
        assert list(json.load(response)["editions"]) == ORDER
    assert re.findall(r'"editions":\s*(\[[^]]*\])', system.log)[:2] == [json.dumps(ORDER)] * 2
    with urlopen(f"{system.url}/") as response:
        assert list(dict.fromkeys(re.findall(r'edition="(\w+)"', response.read().decode())))[:3] == ORDER
    with urlopen(f"{system.url}/en") as response:
        assert re.findall(r'<a href="/(ar|en|es)" lang', response.read().decode()) == ORDER


def test_settings_have_this_order_whatever_the_file_has(tmp_path: Path) -> None:
    tables = [f'[editions.{name}]\ntitle = "{name}"\nlang = "{name}"\ndir = "ltr"\n' for name in ("es", "zz", "en")]
    path = tmp_path / "ticker.toml"
    path.write_text("\n".join(tables), encoding="utf-8")
    assert list(load_settings(path, {}).editions) == ["en", "es", "zz"]
