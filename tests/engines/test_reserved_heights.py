"""In every engine: the rules of docs/embedding.md reserve the room of an element. Nothing around it moves."""

from __future__ import annotations

from pathlib import Path

from tests.engines.conftest import Open
from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_lines import post_sample_lines
from tests.support.doc_examples import examples
from tests.support.engine_pages import until_live

DOCS = Path(__file__).resolve().parents[2] / "docs" / "embedding.md"
RULES = next(each.text for each in examples(DOCS, "css") if "block-size" in each.text)
LAYOUTS = ("strip", "crawl", "list")
HEIGHT = 2400
"""All elements of the page are in sight."""

# Only Chromium has an API for layout shifts.
WATCH = """<script>
  window.shifts = [];
  if (PerformanceObserver.supportedEntryTypes.includes("layout-shift"))
    new PerformanceObserver(list => shifts.push(...list.getEntries().map(({ value }) => value)))
      .observe({ type: "layout-shift", buffered: true });
</script>"""
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
TOPS = "() => [...document.querySelectorAll('p')].map(each => each.getBoundingClientRect().top)"
LOAD = """source => {
  const script = Object.assign(document.createElement("script"), { type: "module", src: source });
  document.head.append(script);
}"""
CUT_OFF = """() => [...document.querySelectorAll("breaking-ticker")].flatMap(element => {
  const { top, bottom } = element.getBoundingClientRect();
  return ["[part~=pause]", "[part~=view]"].filter(part => {
    const inner = element.shadowRoot.querySelector(part).getBoundingClientRect();
    return !inner.height || inner.top < top - 1 || inner.bottom > bottom + 1;
  }).map(part => `${element.layout} ${part}`);
})"""
"""The parts that don't fit into the height of their element."""


def article(edition: str) -> str:
    """Return a page with the documented rules, a ticker of each layout in the main column, and two in a sidebar."""

    def ticker(layout: str) -> str:
        tag = f'<breaking-ticker edition="{edition}" layout="{layout}"><a href="/">News</a></breaking-ticker>'
        return f"{tag}<p>after {layout}</p>"

    return (
        f'<!doctype html><html lang="{edition}" dir="{"rtl" if edition == "ar" else "ltr"}"><head>{WATCH}'
        f'<meta charset="utf-8"><title>Article</title><meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><style>{RULES} aside {{ inline-size: 300px; max-inline-size: 100% }}'
        f"aside [layout=strip] {{ block-size: 6.25rem !important }}</style></head>"
        f"<body><h1>An article</h1>{''.join(map(ticker, LAYOUTS))}"
        f"<aside>{ticker('strip')}{ticker('list')}</aside></body></html>"
    )


def test_documented_page_does_not_move_while_the_element_loads(
    open_page: Open, harness: BrowserHarness, host: Host
) -> None:
    """The module arrives after the first paint, as over a slow network."""
    post_sample_lines(harness)
    tab = open_page(host.put("/empty", "<!doctype html><title>Empty</title><link rel=icon href=data:,>"))
    for width, edition in ((320, "ar"), (360, "en"), (776, "es"), (1200, "en"), (1440, "ar")):
        tab.goto(host.put(f"/{width}", article(edition)))
        tab.resize(width, HEIGHT)
        tab.evaluate(FRAMES)
        tab.evaluate("() => void (shifts.length = 0)")  # of the change of the width
        before = tab.evaluate(TOPS)
        tab.evaluate(LOAD, f"{harness.address}/widget/ticker.js")
        until_live(tab, 5)
        tab.evaluate(FRAMES)
        assert (width, tab.evaluate(TOPS)) == (width, before)
        assert (width, tab.evaluate("() => shifts")) == (width, [])
        assert (width, tab.evaluate(CUT_OFF)) == (width, [])
