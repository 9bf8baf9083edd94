"""Draw the dashboard's panels with recorded data: `.venv/bin/python -m tests.dashboard.draw docs/dashboard.png`.

npm installs Grafana's own components once into the environment (450 MB), in the versions of
`tests/dashboard/package-lock.json`, and `panels.mjs` draws with them. Grafana itself isn't needed.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from pathlib import Path
from typing import Final

from playwright.sync_api import Route, sync_playwright

from scripts.build_dashboard import TARGET
from scripts.build_widget import find_program, install_tools, run_tool
from scripts.engines import CHROMIUM, need_engine
from tests.dashboard.recording import RECORDING

HERE: Final = Path(__file__).parent
FOLDER: Final = Path(sys.prefix) / "dashboard"
ORIGIN: Final = "http://dashboard.test"
PAGE: Final = '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="panels.css"><body><div></div>'
INSTALL_S: Final = 1200
# Grafana's components import editors with fonts and pictures. No panel needs them.
BUNDLE: Final = (
    "--bundle",
    "--minify",
    "--format=iife",
    "--loader:.ttf=empty",
    "--loader:.svg=text",
    '--define:process.env.NODE_ENV="production"',
    "--define:global=window",
    "--log-level=error",
)


def install() -> None:
    """Install Grafana's components in the versions of the lock, unless they are there."""
    FOLDER.mkdir(exist_ok=True)
    lock = HERE / "package-lock.json"
    installed = FOLDER / "installed.json"
    with (FOLDER / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if installed.exists() and installed.read_bytes() == lock.read_bytes():
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(HERE / name, FOLDER / name)
        command = [find_program("npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        run_tool(command, FOLDER, limit_s=INSTALL_S)
        shutil.copyfile(lock, installed)


def bundle() -> None:
    """Build panels.js and panels.css."""
    shutil.copyfile(HERE / "panels.mjs", FOLDER / "panels.mjs")
    esbuild = install_tools() / ".bin" / "esbuild"
    run_tool([str(esbuild), "panels.mjs", "--outfile=panels.js", *BUNDLE], FOLDER)


def serve(route: Route) -> None:
    """Answer a request of the page from the bundle."""
    path = FOLDER / route.request.url.rpartition("/")[2]
    if path.name in ("panels.js", "panels.css"):
        route.fulfill(path=path)
    elif route.request.url == f"{ORIGIN}/":
        route.fulfill(body=PAGE, content_type="text/html")
    else:
        route.fulfill(status=404)


def main(target: Path) -> None:
    install()
    bundle()
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in (TARGET, RECORDING)]
    with sync_playwright() as playwright:
        words = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=need_engine(CHROMIUM).path, args=words)
        page = browser.new_page(viewport={"width": 1632, "height": 1000}, locale="en-GB")
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.route("**/*", serve)
        page.goto(f"{ORIGIN}/")
        page.add_script_tag(url="panels.js")
        page.evaluate("([dashboard, recording]) => draw(dashboard, recording)", documents)
        page.locator("canvas").first.wait_for()
        page.evaluate("new Promise(done => setTimeout(done, 1000))")
        target.write_bytes(page.locator("#dashboard").screenshot())
        browser.close()
        if failures:
            sys.exit("\n".join(failures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
