"""The recipes for React, Preact, Vue and Svelte, with the real frameworks: in the browser, and rendered on a server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from scripts.engines import FIREFOX, WEBKIT, Engine
from tests.recipes.checks import ELEMENT, expect_recipe
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_reader import Readers
from tests.support.engine_pages import RECORDER, reports, until_live
from tests.support.engines import EnginePool
from tests.support.recipes import PAGE, SERVER, recipes, run, workplace
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

COMPONENTS = {
    "react": ("React", "jsx"),
    "preact": ("Preact", "jsx"),
    "vue": ("Vue", "vue"),
    "svelte": ("Svelte", "svelte"),
}
"""For each framework: its section in docs/recipes.md, and the language of its component."""


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """The folder with the built recipes of all frameworks."""
    with workplace() as folder:
        for name, (section, kind) in COMPONENTS.items():
            shutil.copytree(folder / name, folder / f"{name}-ssr")
            write(folder / name / f"News.{kind}", recipes(section, kind)[0])
            write(folder / f"{name}-ssr" / f"News.{kind}", server_rendered(name))
        run("node", "build.mjs", folder=folder, NODE_ENV="development")
        yield folder / "out"


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def server_rendered(framework: str) -> str:
    """Return the component for pages that a server renders, or that load the module late.

    In React, the page of the docs has another component for them. In Preact, one line is different.
    """
    section, kind = COMPONENTS[framework]
    component = recipes(section, kind)[-1]
    if framework != "preact":
        return component
    words = "words={JSON.stringify(words)}"
    assert f"`{words}`" in PAGE.read_text(encoding="utf-8")
    assert "words={words}" in component
    return component.replace("words={words}", words)


@pytest.fixture(params=list(COMPONENTS))
def framework(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def messages() -> list[str]:
    """The warnings and errors in the page's console."""
    return []


@pytest.fixture
def page(reader: Readers, messages: list[str]) -> Page:
    page = reader().context.new_page()

    def record(message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"}:
            messages.append(message.text)

    page.on("console", record)
    return page


def put_app(host: Host, harness: BrowserHarness, script: Path, content: str = "") -> str:
    """Serve a page with the app in `script`, and return its address. `content`: what a server has rendered."""
    text = script.read_text(encoding="utf-8").replace(SERVER, harness.address)
    host.put("/app.js", text, Content_Type="text/javascript; charset=utf-8")
    host.put("/recorder.js", RECORDER, Content_Type="text/javascript")
    return host.put(
        "/",
        f'<!doctype html><html lang="en"><head><title>News</title><link rel="icon" href="data:,">'
        f'<script src="/recorder.js"></script></head>'
        f'<body><div id="app">{content.replace(SERVER, harness.address)}</div>'
        f'<script type="module" src="/app.js"></script></body></html>',
    )


def test_recipe_works_in_the_browser(
    page: Page, harness: BrowserHarness, host: Host, built: Path, framework: str, messages: list[str]
) -> None:
    page.goto(put_app(host, harness, built / framework / "client.js"))
    expect_recipe(page, harness)
    assert messages == []


def test_recipe_works_if_the_module_loads_after_the_app(
    page: Page, harness: BrowserHarness, host: Host, built: Path, framework: str, messages: list[str]
) -> None:
    page.goto(put_app(host, harness, built / f"{framework}-ssr" / "late.js"))
    expect(page.locator("breaking-ticker")).to_be_attached()
    page.add_script_tag(url=f"{harness.address}/widget/ticker.js", type="module")
    expect_recipe(page, harness)
    assert messages == []


def test_server_rendered_recipe_hydrates_without_a_warning(
    page: Page, harness: BrowserHarness, host: Host, built: Path, framework: str, messages: list[str]
) -> None:
    app = built / f"{framework}-ssr"
    html = run("node", "server.mjs", folder=app)
    assert '<breaking-ticker server="https://ticker.example" edition="en" layout="strip"' in html
    assert 'href="https://ticker.example/en"' in html
    page.goto(put_app(host, harness, app / "client.js", html))
    expect_recipe(page, harness)
    assert messages == []


@pytest.mark.parametrize("engine", [FIREFOX, WEBKIT], ids=lambda engine: engine.name)
def test_recipes_work_in_other_engines(
    engines: EnginePool, harness: BrowserHarness, host: Host, built: Path, engine: Engine
) -> None:
    with engines.browser(engine) as browser:
        for framework in COMPONENTS:
            tab = browser.open(put_app(host, harness, built / framework / "client.js"))
            until_live(tab)
            assert tab.evaluate(f"() => [{ELEMENT}.layout, {ELEMENT}.words.pause]") == ["strip", "Hold"]
            line = harness.post("en", f"A line for {framework}")
            tab.until("text => document.body.textContent.includes(`Latest: ${text}`)", "the event", line.text)
            tab.evaluate("() => document.querySelector('#app button').click()")
            tab.until(f"() => {ELEMENT}.paused", "it is paused")
            assert reports(tab) == []
            tab.evaluate("() => window.unmount()")
            until(lambda: harness.followers("en") == 0, "the connection is closed")
            tab.close()
