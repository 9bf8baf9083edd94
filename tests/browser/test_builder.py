"""The builder on the first page: what it shows, and the code that it gives, on a page of another site."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, expect_live
from tests.support.browser_reader import Readers
from tests.support.doc_examples import examples

ROOT = Path(__file__).resolve().parents[2]
HEIGHTS = next(each.text for each in examples(ROOT / "docs" / "embedding.md", "css") if "block-size" in each.text)
"""The documented rules for the heights. The first one is enough for a list."""
LIST_HEIGHT = HEIGHTS.splitlines()[0]
REPORTS = """window.reports = []; addEventListener("securitypolicyviolation",
  ({ violatedDirective, blockedURI }) => reports.push([violatedDirective, blockedURI]))"""
SHIFTS = """window.shifts = []; new PerformanceObserver(list => shifts.push(...list.getEntries().map(
  ({ value }) => value))).observe({ type: "layout-shift", buffered: true })"""
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
OBSERVED = """customElements.get("breaking-ticker").observedAttributes"""


def code(page: Page, name: str) -> str:
    """Return the text of a code block of the builder."""
    return page.locator(f"code#{name}").text_content() or ""


def attributes(html: str) -> dict[str, str]:
    """Return the attributes of the element in a snippet."""
    (tag,) = re.findall(r"<breaking-ticker([^>]*)>", html)
    return dict(re.findall(r' ([a-z-]+)="([^"]*)"', tag))


def post(harness: BrowserHarness) -> None:
    for edition in ("en", "ar", "es"):
        harness.post(edition, "Politics, urgent", section="politics", urgency=2)
        harness.post(edition, "Politics, routine", section="politics")
        harness.post(edition, "Sports", section="sports", regions=("africa",), urgency=2)
        harness.post(edition, "Flash", urgency=1, regions=("africa",))


def choose_much(page: Page) -> None:
    """Choose something in every field, with the keyboard only."""
    field = page.locator("#builder").get_by_label
    for label, value in (("Edition", "ar"), ("Layout", "strip"), ("Theme", "broadsheet"), ("Urgency", "2")):
        field(label, exact=True).focus()
        while field(label, exact=True).input_value() != value:
            page.keyboard.press("ArrowDown")
    field("Lines").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("25")
    page.keyboard.press("Enter")  # sends no form
    page.keyboard.press("Tab")
    page.keyboard.type('A "<b>" & B')
    arabic = "[data-edition=ar] "
    for box in (f"{arabic}[value=politics]", f"{arabic}[value=sports]", f"{arabic}[value=africa]", "[name=colours]",
                "[name=pinned]"):  # fmt: skip
        page.locator(f"#builder {box}").focus()
        page.keyboard.press("Space")


def choose_nothing(page: Page) -> None:
    pass


@pytest.mark.parametrize(
    ("choose", "expected", "shown"),
    [
        (choose_nothing, {"edition": "en"}, ["Flash", "Sports", "Politics, routine", "Politics, urgent"]),
        (
            choose_much,
            {
                "edition": "ar", "layout": "strip", "label": "A &quot;&lt;b&gt;&quot; &amp; B",
                "lines": "25", "section": "politics sports", "region": "africa",
                "urgency": "2", "data-ticker-theme": "broadsheet",
            },
            ["Sports"],
        ),
    ],
    ids=["list", "strip"],
)  # fmt: skip
def test_code_of_the_builder_works_on_another_site_as_in_the_preview_and_moves_nothing(
    reader: Readers,
    harness: BrowserHarness,
    host: Host,
    choose: Callable[[Page], None],
    expected: dict[str, str],
    shown: list[str],
) -> None:
    """The module arrives after the first paint, as over a slow network."""
    rules, height = (HEIGHTS, "56px") if expected.get("layout") == "strip" else (LIST_HEIGHT, "480px")
    post(harness)
    visitor = reader()
    page = visitor.open(f"{harness.address}/")
    choose(page)
    html, style, policy = (code(page, name) for name in ("snippet", "style", "policy"))
    assert attributes(html) == expected
    assert attributes(html).keys() <= {*page.evaluate(OBSERVED), "data-ticker-theme"}
    preview = page.locator("#preview [part~=line] [part=text]")
    expect(preview).to_contain_text(shown)

    body = f"<!doctype html><html lang=en><title>Host</title><link rel=stylesheet href=/style.css>{html}<p>After"
    host.put("/style.css", style, Content_Type="text/css")
    policy = f"default-src 'none'; {policy}".replace("style-src ", "style-src 'self' ")
    if "style-src" not in policy:
        policy += "; style-src 'self'"
    site = visitor.context.new_page()
    site.add_init_script(f"{REPORTS}; {SHIFTS}")
    modules: list[Route] = []
    site.route("**/ticker.js", lambda route: modules.append(route))  # noqa: PLW0108 -- Playwright takes no built-in
    site.goto(host.put("/", body, Content_Security_Policy=policy), wait_until="commit")
    expect(site.locator("breaking-ticker")).to_have_css("height", height)
    site.evaluate(FRAMES)
    modules[0].continue_()
    expect_live(site)
    expect(site.locator("breaking-ticker")).to_have_css("height", height)
    site.evaluate(FRAMES)
    assert site.evaluate("shifts") == []
    assert style.startswith(rules.strip())
    expect(site.locator("breaking-ticker [part~=line] [part=text]")).to_contain_text(shown)
    if choose is choose_much:
        expect(site.locator("breaking-ticker [part~=title]")).to_have_text('A "<b>" & B')
    assert [each for each in site.evaluate("reports") if "favicon" not in each[1]] == []
    looks = """id => { const style = getComputedStyle(document.querySelector(id));
      return ["--ticker-background", "--ticker-color", "--ticker-accent", "--ticker-font"].map(
        name => style.getPropertyValue(name)); }"""
    assert site.evaluate(looks, "breaking-ticker") == page.evaluate(looks, "#preview")
    if choose is choose_much:
        assert "--ticker-accent: #b4001e" in style
        assert html.count("integrity=") == 2


def test_pinned_code_loads_nothing_else_than_what_its_hash_names(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    visitor = reader()
    page = visitor.open(f"{harness.address}/")
    page.locator("#builder").get_by_label("Pin this version").check()
    html = code(page, "snippet")
    broken = html.replace("sha384-", "sha384-AAAA", 1)
    visitor.expected = ("Failed to find a valid digest", "None of the")
    site = visitor.context.new_page()
    site.goto(host.put("/", f"<!doctype html><title>Host</title><link rel=icon href=data:,>{broken}"))
    assert site.evaluate("customElements.get('breaking-ticker') === undefined")
    site.goto(host.put("/", f"<!doctype html><title>Host</title><link rel=icon href=data:,>{html}"))
    expect_live(site)


def test_frame_of_the_builder_goes_live_on_another_site(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    post(harness)
    page = reader().open(f"{harness.address}/")
    field = page.locator("#builder").get_by_label
    field("Edition", exact=True).select_option("es")
    field("Política").check()
    field("Theme", exact=True).select_option("terminal")
    html = code(page, "frame").replace('loading="lazy"', "")
    page.goto(host.put("/", f"<!doctype html><title>Host</title><link rel=icon href=data:,>{html}"))
    frame = page.frame_locator("iframe")
    expect(frame.locator("[part=ticker][data-state=live]")).to_have_count(1)
    expect(frame.locator("[part~=line] [part=text]")).to_contain_text(["Politics, routine", "Politics, urgent"])
    expect(frame.locator("body")).to_have_attribute("data-ticker-theme", "terminal")


def test_preview_follows_each_choice_and_stays_live(reader: Readers, harness: BrowserHarness) -> None:
    post(harness)
    page = reader().open(f"{harness.address}/")
    preview, field = page.locator("#preview"), page.locator("#builder").get_by_label
    field("Sports").check()
    expect(preview.locator("[part~=line] [part=text]")).to_contain_text(["Sports"])
    harness.post("en", "Late goal", section="sports")
    expect(preview.locator("[part~=line] [part=text]")).to_contain_text(["Late goal", "Sports"])
    field("Layout", exact=True).select_option("crawl")
    expect(preview.locator("[part=ticker]")).to_have_class(re.compile(r"\bcrawl\b"))
    field("Own colours").check()
    assert "--ticker-background: #ffffff" in code(page, "style")
    field("Text", exact=True).fill("#fefefe")
    expect(page.locator("#builder output")).to_contain_text("the contrast is below")
    assert "--ticker-color: #fefefe" in code(page, "style")
    field("Own colours").uncheck()
    assert code(page, "style") == HEIGHTS.strip()
    assert attributes(code(page, "snippet")) == {"edition": "en", "layout": "crawl", "section": "sports"}


def test_copy_button_copies_the_present_code(reader: Readers, harness: BrowserHarness) -> None:
    visitor = reader(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open(f"{harness.address}/")
    page.locator("#builder").get_by_label("Layout", exact=True).select_option("strip")
    page.get_by_role("button", name="Copy: HTML").click()
    expect(page.get_by_text("Copied").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code(page, "snippet")


def test_without_javascript_the_plain_code_shows_and_works(
    browser: Browser, reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post("en", "One")
    page = reader(java_script_enabled=False).open(f"{harness.address}/")
    expect(page.locator("#builder")).to_be_hidden()
    expect(page.locator("code#pinned")).to_contain_text("integrity=")
    html = code(page, "snippet")
    assert attributes(html) == {"edition": "en"}
    assert code(page, "style") == HEIGHTS.strip()
    site = reader().open(host.put("/", f"<!doctype html><title>Host</title><link rel=icon href=data:,>{html}"))
    expect_live(site)
    expect_lines(site, "One")


def test_snippet_of_the_readme_has_the_documented_height() -> None:
    (snippet,) = (each.text for each in examples(ROOT / "README.md", "html") if "<breaking-ticker" in each.text)
    assert f"<style>{LIST_HEIGHT}</style>" in snippet
