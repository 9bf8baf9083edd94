"""Measure Core Web Vitals of the made-up article, with the element and without: `python -m benchmarks.web_vitals`.

The system is `ticker up --demo`. "Without" is the same page with neither the elements nor their module, from a proxy
that removes them. Both are loaded in turn, each with an empty cache, on a desktop and on an emulated phone.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import click
import httpx
import msgspec
from playwright.sync_api import Browser, Page, sync_playwright

from scripts.engines import CHROMIUM, need_engine

START_S: Final = 60.0
LINES: Final = 5
"""Number of lines that the demo posts when it starts."""
WATCH: Final = """
  window.vitals = { lcp: 0, cls: 0, tbt: 0, inp: 0 };
  const watch = (type, act, more) => new PerformanceObserver(list => list.getEntries().forEach(act))
    .observe({ type, buffered: true, ...more });
  watch("largest-contentful-paint", each => vitals.lcp = each.startTime);
  watch("layout-shift", each => vitals.cls += each.hadRecentInput ? 0 : each.value);
  watch("longtask", each => vitals.tbt += Math.max(0, each.duration - 50));
  watch("event", each => vitals.inp = Math.max(vitals.inp, each.interactionId ? each.duration : 0),
    { durationThreshold: 16 });
"""
TRANSFERRED: Final = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.transferSize, 0)"""
_ELEMENT: Final = re.compile(r"<breaking-ticker.*?</breaking-ticker>|<script[^>]*/ticker\.js[^>]*></script>", re.DOTALL)


class Device(msgspec.Struct, frozen=True):
    """The emulated device that loads the page. `slowdown` divides the processor's speed; rates are in bytes/s."""

    name: str
    width: int
    height: int
    slowdown: int = 1
    latency_ms: int = 0
    rate: float = -1


DEVICES: Final = (
    Device("desktop", 1440, 900),
    Device("phone", 360, 800, slowdown=4, latency_ms=150, rate=1.6e6 / 8),
)


class Vitals(msgspec.Struct, frozen=True):
    """The figures of one page view.

    Times are in milliseconds. `cpu` is the CPU time of the page's main thread, until two seconds after it was live.
    `inp` is None for a page without buttons.
    """

    lcp: float
    cls: float
    tbt: float
    cpu: float
    bytes: float
    inp: float | None


@contextmanager
def demo() -> Iterator[str]:
    """Run the demo and yield its address, once its lines are there."""
    with tempfile.TemporaryDirectory(prefix="ticker-vitals-") as folder:
        program = Path(sys.executable).with_name("ticker")
        command = [str(program), "up", "--demo", "--port", "0", "--data", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stdout is not None
                address = process.stdout.readline().split()[-1]
                _wait_for_lines(address)
                yield address
            finally:
                process.terminate()


def _wait_for_lines(address: str) -> None:
    until = time.monotonic() + START_S
    while len(httpx.get(f"{address}/v1/en/board").json()["lines"]) < LINES:
        if time.monotonic() > until:
            raise click.ClickException(f"the demo didn't post {LINES} lines within {START_S:g} s")
        time.sleep(0.2)


@contextmanager
def without_elements(address: str) -> Iterator[str]:
    """Serve the same pages as `address`, but without elements, and yield the address. The codings stay the same."""
    client = httpx.Client()  # not one per request: making one takes longer than a request

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = {"Accept-Encoding": self.headers["Accept-Encoding"] or "identity"}
            with client.stream("GET", address + self.path, headers=sent) as response:
                body = b"".join(response.iter_raw())
            if response.headers["Content-Type"].startswith("text/html"):
                body = gzip.compress(_ELEMENT.sub("", gzip.decompress(body).decode()).encode(), 6)
            self.send_response(response.status_code)
            for name in ("Content-Type", "Content-Encoding", "Cache-Control", "Content-Security-Policy"):
                if name in response.headers:
                    self.send_header(name, response.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        client.close()


def view(browser: Browser, address: str, device: Device, *, has_element: bool) -> Vitals:
    """Load the article with an empty cache, use the strip's buttons, and return the figures."""
    context = browser.new_context(viewport={"width": device.width, "height": device.height})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": device.latency_ms,
            "downloadThroughput": device.rate,
            "uploadThroughput": device.rate,
        },
    )
    session.send("Emulation.setCPUThrottlingRate", {"rate": device.slowdown})
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(WATCH)
    page.goto(f"{address}/demo/article")
    if has_element:
        page.locator("[part=ticker][data-state=live]").nth(1).wait_for(state="attached")
    page.wait_for_timeout(2000)
    loaded = page.evaluate("({ ...vitals })")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    inp = _use_buttons(page) if has_element else None
    figures = Vitals(
        lcp=loaded["lcp"], cls=loaded["cls"], tbt=loaded["tbt"], cpu=1000 * metrics["TaskDuration"],
        bytes=page.evaluate(TRANSFERRED), inp=inp,
    )  # fmt: skip
    context.close()
    return figures


def _use_buttons(page: Page) -> float:
    """Press the strip's buttons. Return the time to the next paint of the slowest press (INP), at least 16."""
    strip = page.locator("breaking-ticker").first
    for part in ("next", "next", "previous", "pause", "pause"):
        strip.locator(f"[part~={part}]").click()
        page.wait_for_timeout(300)
    return max(16.0, float(page.evaluate("vitals.inp")))


@click.command()
@click.option("--rounds", type=click.IntRange(1, 100), default=9, show_default=True, help="Page views of each kind.")
def main(rounds: int) -> None:
    """Print a table of Core Web Vitals."""
    chromium = need_engine(CHROMIUM).path
    click.echo("| device | page | LCP | CLS | TBT | INP | main thread | transferred |")
    click.echo("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with demo() as address, without_elements(address) as stripped, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for device in DEVICES:
            found: dict[bool, list[Vitals]] = {True: [], False: []}
            for number in range(2 * rounds):
                has_element = number % 2 == 0
                source = address if has_element else stripped
                found[has_element].append(view(browser, source, device, has_element=has_element))
            for has_element, views in found.items():
                click.echo(_row(device.name, "with" if has_element else "without", views))
        browser.close()


def _row(device: str, kind: str, views: list[Vitals]) -> str:
    """Return a row of the table: the smallest times, which other programs disturb least, and the largest shift."""
    lcp, tbt, cpu, sent = (min(getattr(each, name) for each in views) for name in ("lcp", "tbt", "cpu", "bytes"))
    presses = [each.inp for each in views if each.inp is not None]
    inp = f"{min(presses):.0f} ms" if presses else "–"
    shift = max(each.cls for each in views)
    times = f"{lcp:.0f} ms | {shift:.3f} | {tbt:.0f} ms | {inp} | {cpu:.0f} ms"
    return f"| {device} | {kind} | {times} | {sent / 1000:.1f} KB |"


if __name__ == "__main__":
    main()
