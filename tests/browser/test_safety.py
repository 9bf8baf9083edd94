"""On somebody else's page: strict policies, hostile lines, hostile style sheets, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Reader
from tests.support.browser_harness import Host, Newsroom
from tests.support.browser_pages import host_page, is_live, reaches, shows, texts
from tests.support.scripted_server import SocketGateway, line
from ticker import widget

Readers = Callable[..., Reader]
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
def test_hostile_strings_show_as_text_and_break_no_layout(
    reader: Readers, newsroom: Newsroom, host: Host, layout: str
) -> None:
    page = reader(viewport={"width": 360, "height": 2000}).context.new_page()
    gateway = SocketGateway(page)  # the desk would refuse many of these: the page must not rely on that
    page.goto(
        host.put("/", host_page(newsroom.address, f'edition="en" transport="socket" lines="40" layout="{layout}"'))
    )
    gateway.wait(1)
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


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        " javascript:alert(1)",
        "//example.org",
        "ftp://example.org/",
    ],
)
def test_only_web_addresses_are_links(reader: Readers, newsroom: Newsroom, host: Host, url: str) -> None:
    page = reader().context.new_page()
    gateway = SocketGateway(page)
    page.goto(host.put("/", host_page(newsroom.address, 'edition="en" transport="socket"')))
    gateway.wait(1)
    gateway.board(line(1, "One", url=url))
    shows(page, "One")
    expect(page.locator("breaking-ticker a")).to_have_count(0)


@pytest.mark.parametrize("edition", ["en", "ar"])
def test_the_strictest_policies_are_met(reader: Readers, newsroom: Newsroom, host: Host, edition: str) -> None:
    """`default-src 'none'` and Trusted Types on a host's page, and the policy of our own pages: no report at all."""
    newsroom.post(edition, "One", url="https://example.org/", urgency=1)
    origin = newsroom.address
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
    ):
        page.goto(address)
        expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
        if count:
            is_live(page, count)
        line = newsroom.post(edition, f"At {address}")
        expect(page.locator("breaking-ticker li").filter(has_text=line.text).first).to_be_attached()
        newsroom.withdraw(edition, line, "wrong")
        expect(page.locator("breaking-ticker li").filter(has_text="wrong").first).to_be_attached()
        assert [each for each in page.evaluate("reports") if "favicon" not in each[1]] == []


@pytest.mark.parametrize("transport", ["", "events", "socket"])
def test_one_origin_for_everything_is_enough(reader: Readers, newsroom: Newsroom, host: Host, transport: str) -> None:
    """`connect-src <origin>` leaves WebSockets out, and a browser reports each. The element as it is pasted tries none.

    One that begins with a socket gets there too; its two refusals show that this test would see a report.
    """
    newsroom.post("en", "One")
    origin = newsroom.address
    policy = f"default-src 'none'; script-src {origin}; connect-src {origin}; require-trusted-types-for 'script'"
    body = host_page(origin, f'edition="en" transport="{transport}"').replace('<link rel="icon" href="data:,">', "")
    visitor = reader()
    visitor.expected = ("Connecting to 'ws://",) if transport == "socket" else ()
    page = visitor.context.new_page()
    page.add_init_script(REPORTS)
    page.goto(host.put("/", body, Content_Security_Policy=policy))
    is_live(page)
    posted = newsroom.post("en", "Two")
    shows(page, "Two", "One")
    newsroom.withdraw("en", posted, "wrong")
    newsroom.stop()
    reaches(page, "waiting")
    newsroom.start()
    is_live(page)
    reports = [each for each in page.evaluate("reports") if "favicon" not in each[1]]
    sockets = [each for each in reports if each[0] == "connect-src" and each[1].startswith("ws:")]
    assert len(sockets) == (2 if transport == "socket" else 0)
    assert sockets == reports


def test_nothing_is_stored_and_nobody_else_is_asked(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One")
    visitor = reader()
    page = visitor.open(host.put("/", host_page(newsroom.address, 'edition="en"', 'edition="ar" layout="crawl"')))
    is_live(page, 2)
    assert {urlsplit(each).netloc for each in visitor.requests if not each.startswith("data:")} == {
        urlsplit(host.address).netloc,
        urlsplit(newsroom.address).netloc,
    }
    assert [each for each in visitor.requests if each.startswith(newsroom.address)] == [
        f"{newsroom.address}/widget/ticker.js",
        f"{newsroom.address}/v1/en/events?lines=10",
        f"{newsroom.address}/v1/ar/events?lines=10",
    ]
    assert visitor.context.cookies() == []
    assert visitor.context.storage_state()["origins"] == []
    assert page.evaluate("indexedDB.databases().then(each => each.length)") == 0
    page.goto(newsroom.address)
    expect(page.locator("[part=ticker][data-state=live]").first).to_be_attached()
    assert {urlsplit(each).netloc for each in visitor.requests if not each.startswith("data:")} <= {
        urlsplit(host.address).netloc,
        urlsplit(newsroom.address).netloc,
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


def test_a_hosts_style_sheet_and_the_elements_leave_each_other_alone(
    reader: Readers, newsroom: Newsroom, host: Host
) -> None:
    newsroom.post("en", "One", urgency=1, url="https://example.org/")
    visitor = reader()
    calm = visitor.open(host.put("/calm", host_page(newsroom.address, 'edition="en"')))
    wild = visitor.open(host.put("/wild", host_page(newsroom.address, 'edition="en"', head=WILD)))
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


def test_documented_properties_and_parts_style_it(reader: Readers, newsroom: Newsroom, host: Host) -> None:
    newsroom.post("en", "One", urgency=1)
    head = """<style>
      breaking-ticker { --ticker-background: rgb(1, 2, 3); --ticker-color: rgb(250, 251, 252);
        --ticker-accent: rgb(9, 200, 9);
        --ticker-muted: rgb(99, 98, 97); --ticker-rule: rgb(7, 7, 7); --ticker-font: monospace; --ticker-size: 20px;
        --ticker-radius: 3px; --ticker-height: 123px }
      breaking-ticker::part(title) { font-style: italic }
    </style>"""
    page = reader().open(host.put("/", host_page(newsroom.address, 'edition="en"', head=head)))
    is_live(page)
    for part, name, value in (
        ("ticker", "background-color", "rgb(1, 2, 3)"), ("ticker", "color", "rgb(250, 251, 252)"),
        ("age", "color", "rgb(99, 98, 97)"), ("ticker", "font-size", "20px"), ("ticker", "font-family", "monospace"),
        ("ticker", "border-top-left-radius", "3px"), ("view", "height", "123px"),
        ("header", "border-bottom-color", "rgb(7, 7, 7)"),
        ("title", "font-style", "italic"),
    ):  # fmt: skip
        expect(page.locator(f"[part={part}]").first).to_have_css(name, value)
    expect(page.locator("[part~=tag]")).to_have_css("color", "rgb(9, 200, 9)")


@pytest.mark.parametrize("theme", widget.THEMES)
def test_ready_themes_follow_the_hosts_colour_scheme(
    reader: Readers, newsroom: Newsroom, host: Host, theme: str
) -> None:
    sheet = f'<link rel="stylesheet" href="{newsroom.address}/widget/themes.css">'
    head = sheet + "<style>:root { color-scheme: light dark }</style>"
    page = reader(color_scheme="light").open(
        host.put("/", host_page(newsroom.address, f'edition="en" data-ticker-theme="{theme}"', head=head))
    )
    is_live(page)
    background = f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('[part=ticker]')).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert light != dark
    page.evaluate("document.documentElement.style.colorScheme = 'light'")  # the host decides, not the reader's system
    assert page.evaluate(background) == light
