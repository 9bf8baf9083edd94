"""On pages of other sites: strict policies, hostile lines, hostile style sheets, and nothing stored."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_lines, expect_live, expect_state, host_page, texts
from tests.support.browser_reader import Readers
from tests.support.scripted_server import SocketGateway, line
from ticker import widget

ELEMENT = "document.querySelector('breaking-ticker')"
REPORTS = """window.reports = []; addEventListener("securitypolicyviolation",
  ({ violatedDirective, blockedURI, sample }) => reports.push([violatedDirective, blockedURI, sample]))"""

HOSTILE = [
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }} ${7 * 7} {% raw %}",
    "&lt;b&gt; &amp; &#x3c;",
    "</script><!-- --> ]]> <![CDATA[",
    "javascript:alert(1)",
    "\u202eevil txt.exe\u202c and \u2066isolated\u2069",
    "zero\u200bwidth\u200djoiner\ufeff and \u00ad soft",
    "Donaudampfschifffahrtsgesellschaftskapitänswitwe" * 3,
    "م" * 150,
    "👨‍👩‍👧‍👦👩🏽‍🚀🏴󠁧󠁢󠁥󠁮󠁧󠁿🇵🇸" * 8,
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
    "line\nbreak\ttab\x00null",
    "\u0600\u06dd\u08e2 ﷽ ﷺ",
]


@pytest.mark.parametrize("layout", ["list", "strip", "crawl"])
def test_hostile_strings_are_shown_as_text_and_fit_the_layout(
    reader: Readers, harness: BrowserHarness, host: Host, layout: str
) -> None:
    page = reader(viewport={"width": 360, "height": 2000}).context.new_page()
    gateway = SocketGateway(page)  # the desk would refuse many of these lines; the page must not rely on that
    page.goto(
        host.put("/", host_page(harness.address, f'edition="en" transport="socket" lines="40" layout="{layout}"'))
    )
    gateway.wait_for_connections(1)
    lines = [
        line(
            number,
            text,
            attribution=text,
            url=f"https://example.org/?q={number}",
            correction=text if number % 2 else None,
        )
        for number, text in enumerate(HOSTILE, 1)
    ]
    gateway.board(*reversed(lines))
    expect(texts(page)).to_have_count(len(HOSTILE))
    found = page.evaluate(f"[...{ELEMENT}.shadowRoot.querySelectorAll('[part=link]')].map(each => each.textContent)")
    assert found == [f"{text}: {text}" for text in reversed(HOSTILE)]
    assert page.title() == "Host"
    assert page.evaluate(f"{ELEMENT}.shadowRoot.querySelectorAll('script, img, svg').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if layout != "crawl":
        assert page.evaluate(f"{ELEMENT}.shadowRoot.querySelector('[part=view]').scrollWidth <= {ELEMENT}.clientWidth")


def test_only_http_addresses_become_links(reader: Readers, harness: BrowserHarness, host: Host) -> None:
    others = [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        " javascript:alert(1)",
        "//example.org",
        "ftp://example.org/",
    ]
    page = reader().context.new_page()
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(harness.address, 'edition="en" transport="socket"')))
    gateway.wait_for_connections(1)
    allowed = line(9, "With a link", url="https://example.org/")
    gateway.board(allowed, *(line(number, url, url=url) for number, url in enumerate(others, 1)))
    expect(texts(page)).to_have_count(len(others) + 1)
    expect(page.locator("breaking-ticker a")).to_have_text(["With a link"])


@pytest.mark.parametrize("edition", ["en", "ar"])
def test_strict_content_security_policies_get_no_report(
    reader: Readers, harness: BrowserHarness, host: Host, edition: str
) -> None:
    """With `default-src 'none'` and Trusted Types on another site's page, and with the policy of our own pages."""
    harness.post(edition, "One", url="https://example.org/", urgency=1)
    origin = harness.address
    sockets = origin.replace("http", "ws")
    policy = (
        f"default-src 'none'; script-src {origin}; connect-src {origin} {sockets}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    elements = [f'edition="{edition}" layout="{layout}"' for layout in ("list", "strip", "crawl")]
    strict = host.put(
        "/", host_page(origin, *elements).replace('<link rel="icon" href="data:,">', ""), Content_Security_Policy=policy
    )
    visitor = reader()
    page = visitor.context.new_page()
    page.add_init_script(REPORTS)
    for address, count in (
        (strict, 3),
        (f"{origin}/", None),
        (f"{origin}/{edition}?layout=crawl", 1),
        (f"{origin}/{edition}/embed", 1),
        (f"{origin}/demo/article?lang={edition}", 2),
    ):
        page.goto(address)
        expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
        if count:
            expect_live(page, count)
        line = harness.post(edition, f"At {address}")
        expect(page.locator("breaking-ticker li").filter(has_text=line.text).first).to_be_attached()
        harness.withdraw(edition, line, "wrong")
        expect(page.locator("breaking-ticker li").filter(has_text="wrong").first).to_be_attached()
        assert [each for each in page.evaluate("reports") if "favicon" not in each[1]] == []


@pytest.mark.parametrize("transport", ["", "events", "socket"])
def test_policy_with_one_origin_is_enough(reader: Readers, harness: BrowserHarness, host: Host, transport: str) -> None:
    """`connect-src <origin>` excludes WebSockets, and a browser reports each. By default the element tries none.

    With `transport="socket"` it connects too, after two blocked sockets: this shows that the test would see a report.
    """
    harness.post("en", "One")
    origin = harness.address
    policy = f"default-src 'none'; script-src {origin}; connect-src {origin}; require-trusted-types-for 'script'"
    body = host_page(origin, f'edition="en" transport="{transport}"').replace('<link rel="icon" href="data:,">', "")
    visitor = reader()
    visitor.expected = ("Connecting to 'ws://",) if transport == "socket" else ()
    page = visitor.context.new_page()
    page.add_init_script(REPORTS)
    page.goto(host.put("/", body, Content_Security_Policy=policy))
    expect_live(page)
    posted = harness.post("en", "Two")
    expect_lines(page, "Two", "One")
    harness.withdraw("en", posted, "wrong")
    harness.stop()
    expect_state(page, "waiting")
    harness.start()
    expect_live(page)
    reports = [each for each in page.evaluate("reports") if "favicon" not in each[1]]
    sockets = [each for each in reports if each[0] == "connect-src" and each[1].startswith("ws:")]
    assert len(sockets) == (2 if transport == "socket" else 0)
    assert sockets == reports


def test_nothing_is_stored_and_no_other_server_is_contacted(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post("en", "One")
    visitor = reader()
    page = visitor.open(host.put("/", host_page(harness.address, 'edition="en"', 'edition="ar" layout="crawl"')))
    expect_live(page, 2)
    assert {urlsplit(each).netloc for each in visitor.requests if not each.startswith("data:")} == {
        urlsplit(host.address).netloc,
        urlsplit(harness.address).netloc,
    }
    assert [each for each in visitor.requests if each.startswith(harness.address)] == [
        f"{harness.address}/widget/ticker.js",
        f"{harness.address}/v1/en/events?lines=10",
        f"{harness.address}/v1/ar/events?lines=10",
    ]
    assert visitor.context.cookies() == []
    assert visitor.context.storage_state()["origins"] == []
    assert page.evaluate("indexedDB.databases().then(each => each.length)") == 0
    page.goto(harness.address)
    expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
    assert {urlsplit(each).netloc for each in visitor.requests if not each.startswith("data:")} <= {
        urlsplit(host.address).netloc,
        urlsplit(harness.address).netloc,
    }
    assert visitor.context.cookies() == []


WILD = """<style>
  * { color: lime !important; background: magenta; text-transform: uppercase; letter-spacing: 1em;
      font: 40px cursive !important;
      line-height: 3; direction: rtl; text-align: end; visibility: inherit; box-sizing: content-box }
  ol, li, a, button, div, section, span, time { display: none !important; position: fixed; transform: rotate(9deg) }
</style>"""


def styles(page: Page) -> list[list[str]]:
    found: list[list[str]] = page.evaluate(f"""[...{ELEMENT}.shadowRoot.querySelectorAll("[part]")].map(each => {{
      const style = getComputedStyle(each);
      return [each.getAttribute("part"), style.color, style.fontSize, style.textTransform, style.letterSpacing,
              style.lineHeight,
              style.display, style.direction, style.textAlign, style.position];
    }})""")
    return found


def test_style_sheets_of_page_and_element_do_not_affect_each_other(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post("en", "One", urgency=1, url="https://example.org/")
    visitor = reader()
    calm = visitor.open(host.put("/calm", host_page(harness.address, 'edition="en"')))
    wild = visitor.open(host.put("/wild", host_page(harness.address, 'edition="en"', head=WILD)))
    for page in (calm, wild):
        page.locator("[part=ticker][data-state=live]").wait_for(state="attached")
        expect(page.locator("breaking-ticker li")).to_have_count(1)
    assert styles(calm) == styles(wild)
    plain = (
        "(() => { const style = getComputedStyle(document.body); return [style.color, style.font, style.margin]; })()"
    )
    with_ticker = calm.evaluate(plain)
    calm.goto(
        host.put("/without", "<!doctype html><html lang=en><title>Host</title><link rel=icon href=data:,><body><p>Host")
    )
    assert calm.evaluate(plain) == with_ticker


def test_documented_properties_and_parts_style_the_element(
    reader: Readers, harness: BrowserHarness, host: Host
) -> None:
    harness.post("en", "One", urgency=1)
    head = """<style>
      breaking-ticker { --ticker-background: rgb(1, 2, 3); --ticker-color: rgb(250, 251, 252);
        --ticker-accent: rgb(9, 200, 9);
        --ticker-muted: rgb(99, 98, 97); --ticker-rule: rgb(7, 7, 7); --ticker-font: monospace; --ticker-size: 20px;
        --ticker-radius: 3px; --ticker-height: 123px }
      breaking-ticker::part(title) { font-style: italic }
    </style>"""
    page = reader().open(host.put("/", host_page(harness.address, 'edition="en"', head=head)))
    expect_live(page)
    for part, name, value in (
        ("ticker", "background-color", "rgb(1, 2, 3)"), ("ticker", "color", "rgb(250, 251, 252)"),
        ("age", "color", "rgb(99, 98, 97)"), ("ticker", "font-size", "20px"), ("ticker", "font-family", "monospace"),
        ("ticker", "border-top-left-radius", "3px"), ("row", "height", "123px"),
        ("view", "border-top-color", "rgb(7, 7, 7)"),
        ("title", "font-style", "italic"),
    ):  # fmt: skip
        expect(page.locator(f"[part={part}]").first).to_have_css(name, value)
    expect(page.locator("[part~=tag]")).to_have_css("color", "rgb(9, 200, 9)")


@pytest.mark.parametrize("theme", widget.THEMES)
def test_themes_follow_the_colour_scheme_of_the_page(
    reader: Readers, harness: BrowserHarness, host: Host, theme: str
) -> None:
    sheet = f'<link rel="stylesheet" href="{harness.address}/widget/themes.css">'
    head = sheet + "<style>:root { color-scheme: light dark }</style>"
    page = reader(color_scheme="light").open(
        host.put("/", host_page(harness.address, f'edition="en" data-ticker-theme="{theme}"', head=head))
    )
    expect_live(page)
    background = f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('[part=ticker]')).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert light != dark
    page.evaluate("document.documentElement.style.colorScheme = 'light'")  # the page decides, not the reader's system
    assert page.evaluate(background) == light
