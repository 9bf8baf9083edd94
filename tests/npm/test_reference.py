"""The custom elements manifest describes the sources, and docs/embedding.md describes what the manifest names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from playwright.sync_api import Page, expect

from scripts.build_package import build_manifest
from scripts.build_widget import ROOT, WIDGET, install_tools
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import host_page
from tests.support.browser_reader import Readers
from tests.support.node import run_node
from tests.support.scripted_server import EDITION, SocketGateway, line, position

SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in (WIDGET / "src").glob("*.js"))
CALLBACKS = {"constructor", "connectedCallback", "disconnectedCallback", "attributeChangedCallback"}
DOCS = (ROOT / "docs" / "embedding.md").read_text(encoding="utf-8")

COLLECT_PARTS = """element => [...element.shadowRoot.querySelectorAll("[part]")].flatMap(each => [...each.part])"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("manifest") / "package"
    build_manifest(folder)
    found: dict[str, Any] = json.loads((folder / "custom-elements.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def element(manifest: dict[str, Any]) -> dict[str, Any]:
    """The declaration of the element in the manifest."""
    declarations: list[dict[str, Any]] = manifest["modules"][0]["declarations"]
    return next(each for each in declarations if each.get("tagName") == "breaking-ticker")


@pytest.fixture(scope="module")
def actual() -> dict[str, list[str]]:
    """The exports of the sources, and the members of their class."""
    done = run_node(Path(__file__).with_name("members.mjs"), WIDGET / "src" / "index.js")
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def names(described: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in described]


def table(heading: str) -> list[str]:
    """Return the names in the first column of a table in docs/embedding.md. `heading` is the title of that column."""
    _, _, after = DOCS.partition(f"\n| {heading} |")
    assert after, f"docs/embedding.md has no table with the column {heading!r}"
    rows = after.partition("\n\n")[0].splitlines()[2:]
    return [re.match(r"\| `([^`]+)` \|", row).group(1) for row in rows]  # type: ignore[union-attr]


# The manifest and the sources


def test_manifest_is_valid(manifest: dict[str, Any]) -> None:
    schema = json.loads((install_tools() / "custom-elements-manifest" / "schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(manifest, schema)


def test_manifest_has_the_attributes_and_members_of_the_class(
    element: dict[str, Any], actual: dict[str, list[str]]
) -> None:
    assert sorted(names(element["attributes"])) == sorted(actual["attributes"])
    assert sorted(names(element["members"])) == sorted(set(actual["members"]) - CALLBACKS)
    reflecting = [each["attribute"] for each in element["members"] if each.get("reflects")]
    assert sorted(reflecting) == sorted({*actual["attributes"]} - {"lang"})
    readonly = [each["name"] for each in element["members"] if each.get("readonly")]
    assert readonly == ["state", "position", "board"]


def test_manifest_describes_everything_that_it_names(element: dict[str, Any]) -> None:
    kinds = ("attributes", "members", "events", "slots", "cssParts", "cssProperties")
    assert [each for kind in kinds for each in element[kind] if not each.get("description")] == []
    fields = [each for each in element["members"] if each["kind"] == "field"]
    assert [each["name"] for each in [*fields, *element["events"]] if not each.get("type")] == []


def test_manifest_has_the_exports_of_the_module(manifest: dict[str, Any], actual: dict[str, list[str]]) -> None:
    assert sorted(names(manifest["modules"][0]["exports"])) == sorted(actual["exports"])


def test_manifest_has_the_events_that_the_source_dispatches(element: dict[str, Any]) -> None:
    dispatched = {f"ticker:{name}" for name in re.findall(r'#dispatch\("(\w+)"', SOURCES)}
    assert set(names(element["events"])) == dispatched


def test_manifest_has_the_custom_properties_that_the_styles_use(element: dict[str, Any]) -> None:
    assert set(names(element["cssProperties"])) == set(re.findall(r"var\((--ticker-[\w-]+)", SOURCES))


def test_manifest_has_the_parts_that_the_styles_select(element: dict[str, Any]) -> None:
    assert set(re.findall(r"\[part~?=\"?([\w-]+)", SOURCES)) <= set(names(element["cssParts"]))


@pytest.fixture
def page(reader: Readers) -> Page:
    return reader().context.new_page()


def test_manifest_has_the_parts_that_are_rendered(
    element: dict[str, Any], page: Page, harness: BrowserHarness, host: Host
) -> None:
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    lines = [
        line(1, "Flash", urgency=1, attribution="Reuters", url="https://example.org/"),
        line(2, "Bulletin: 2-1", urgency=2),
        line(3, "Urgent", urgency=3),
        line(4, "Updated", change="update", version=2),
        line(5, "Corrected", change="correct", correction="why"),
        line(6, "", change="withdraw", status="canceled", correction="why"),
    ]
    gateway.send("board", position=position(6), reset=None, edition=EDITION | {"test": True}, lines=lines)
    gateway.send("live", position=position(6), replayed=0)
    ticker = page.locator("breaking-ticker")
    expect(ticker.locator("[part~=line]")).to_have_count(6)
    found = set()
    for number, layout in enumerate(("list", "strip", "crawl"), 7):
        ticker.evaluate("(element, layout) => Object.assign(element, { layout, paused: false })", layout)
        gateway.line(number, "Fresh")
        expect(ticker.locator("[part~=fresh]")).to_have_count(number - 6)
        found |= set(ticker.evaluate(COLLECT_PARTS))
    ticker.evaluate("element => element.pause()")
    expect(ticker.locator("[part~=resume]")).to_be_visible()
    found |= set(ticker.evaluate(COLLECT_PARTS))
    assert found == set(names(element["cssParts"]))


# The docs and the manifest


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("attribute", "attributes"), ("event", "events"), ("part", "cssParts"), ("custom property", "cssProperties")],
)
def test_docs_list_everything_in_the_manifest(element: dict[str, Any], heading: str, kind: str) -> None:
    assert sorted(table(heading)) == sorted(names(element[kind]))


def test_docs_list_every_member_that_has_no_attribute(element: dict[str, Any]) -> None:
    members = [
        each["name"] + ("()" if each["kind"] == "method" else "")
        for each in element["members"]
        if "attribute" not in each
    ]
    assert sorted(table("member")) == sorted(members)


def test_docs_give_the_type_of_each_property(element: dict[str, Any]) -> None:
    types = {each["name"]: each["type"]["text"] for each in element["members"] if "attribute" in each}
    simple = {
        name: text if text in {"number", "boolean"} else "object" if "<" in text else "string"
        for name, text in types.items()
    }
    rows = re.findall(r"^\| `(\w+)` \|.*\| (string|number|boolean|object) \|$", DOCS, re.MULTILINE)
    assert dict(rows) == simple | {"lang": "string"}


def test_docs_list_every_export_of_the_package(manifest: dict[str, Any]) -> None:
    entries = json.loads((ROOT / "npm" / "package.json").read_text(encoding="utf-8"))["exports"]
    assert sorted(table("import")) == sorted("breaking-ticker" + entry.removeprefix(".") for entry in entries)
    _, _, after = DOCS.partition("\n| import |")
    section = after.partition("\n\n")[0]
    assert {name for name in names(manifest["modules"][0]["exports"]) if f"`{name}`" not in section} == set()
