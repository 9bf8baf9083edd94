"""Pages with tickers of a given width, and a line that is too long for a row."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.support.browser_harness import BrowserHarness, Host
from tests.support.browser_pages import expect_live, host_page
from tests.support.browser_reader import Readers

NO_MARGIN = "<style>body { margin: 0 } breaking-ticker { display: block }</style>"
LONG = {
    "en": "Storm Odile reaches the coast of Valmora, ferries and trains stop, schools stay shut until Thursday noon",
    "ar": "العاصفة أوديل تبلغ ساحل فالمورا وتوقف العبارات والقطارات وتغلق المدارس أبوابها حتى ظهر الخميس في المدن",
    "es": "La tormenta Odile llega a la costa de Valmora: paran los transbordadores y los trenes hasta el jueves",
}


def open_tickers(
    reader: Readers, harness: BrowserHarness, host: Host, width: int, *tickers: str, **options: Any
) -> Page:
    # High enough that all tickers connect, and no higher: each pixel takes time.
    page = reader(viewport={"width": width, "height": 1000 * len(tickers)}, **options).context.new_page()
    page.goto(host.put("/", host_page(harness.address, *tickers, head=NO_MARGIN)))
    expect_live(page, len(tickers))
    expect(page.locator("breaking-ticker").last.locator("[part~=line]").first).to_be_attached()
    return page
