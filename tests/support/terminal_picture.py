"""Take the picture of the terminal application for docs/editing.md.

Run `.venv/bin/python -m tests.support.terminal_picture docs/terminal-application.png`.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright
from websockets.asyncio.client import connect

from scripts.engines import CHROMIUM, need_engine
from tests.support.newsroom_editions import ARABIC_AND_SPANISH, ENGLISH
from tests.support.servers import short_folder
from tests.support.system import System
from tests.support.tui_harness import run_tui
from ticker.store.data_folder import embedded_url

READERS: Final = 90
TRIAL: Final = """
[editions.trial]
title = "Trial"
lang = "en"
dir = "ltr"
test = true
"""
SETTINGS: Final = f'{ENGLISH}undo_s = 5\nzone = "UTC"\n{ARABIC_AND_SPANISH}{TRIAL}'
COMMANDS: Final = """
post "City of Northam: The clock tower strikes again after three years of repairs"
post "Central bank of Lyonesse: Main rate stays at 3.25 per cent" --section economy --urgency 3
post "Electoral commission: Polls close in Valmora, turnout at 71 per cent" --section politics --urgency 2
post "Cup of the Lakes: Karanga beat Port Isel 2-1 and reach the final" --section sports
post "Harbour authority: Three ferries are damaged in the port of Sarune" --section environment
correct last "Harbour authority: Two ferries are damaged in the port of Sarune" --reason "It was two, not three."
post "Ostrava Steel: The plant in Karanga will close next year" --section economy
withdraw last --reason "The company has not decided."
post "Space agency: Probe Halcyon enters orbit around the asteroid Tessaly" --section technology
post "Weather office: Storm Odile to reach Valmora at noon" --section environment --region europe --urgency 2
pin last --for 3h
post "Palace of Lyonesse: The queen has abdicated" --urgency 1
post "Parliament of Valmora: The session is open" --at "tomorrow 9:00"
"""
TYPED: Final = (
    "Weather office: Storm Odile weakens to gale force; ferries between Sarune and Port Isel run again from "
    "Thursday morning"
)


async def main(target: Path) -> None:
    chromium = need_engine(CHROMIUM).path
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(short_folder())
        (folder / "ticker.toml").write_text(SETTINGS, encoding="utf-8")
        system = stack.enter_context(System(folder, TICKER_SETTINGS=str(folder / "ticker.toml")))
        address = system.url.replace("http", "ws", 1) + "/v1/en/live"
        for _ in range(READERS):
            await stack.enter_async_context(connect(address))
        for words in map(shlex.split, COMMANDS.strip().splitlines()):
            window = ["--undo", "0"] if words[0] == "post" and "--at" not in words else []
            ran = await asyncio.to_thread(system.tick, *words, *window, "-e", "en", "--editor", "maha")
            assert ran.code in (0, 5), ran
        svg = await draw(embedded_url(system.data))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page(viewport={"width": 1100, "height": 720})
        await page.set_content(f"<body style='margin:0'>{svg}</body>")
        target.write_bytes(await page.locator("svg").screenshot())
        await browser.close()


async def draw(url: str) -> str:
    """Open the application, type a line, and return the screen as SVG."""
    async with run_tui(url, "en", "omar", size=(98, 29)) as tui:
        await tui.shows("readers")
        await tui.type(TYPED)
        await tui.press("tab", "2", "tab")
        await tui.type("environment")
        await tui.shows("Enter: on air")
        return tui.app.export_screenshot(title="tick")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
