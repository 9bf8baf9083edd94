"""The recipes of docs/posting.md: each program repeats its request with the same key until it has the receipt."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import httpx

from scripts.build_widget import find_program
from tests.support.doc_examples import examples
from tests.support.programs import program
from tests.support.system import Program, System
from tests.support.wordpress import PHP

PAGE: Final = Path(__file__).parents[2] / "docs" / "posting.md"
RUN_S: Final = 120
LINES: Final = {
    "curl": "Ferries stop until morning",
    "php": "Parliament opens after the summer",
    "node": "Met office: Storm Ada makes landfall",
}


class FaultyFront(ThreadingHTTPServer):
    """A proxy that drops the first answer to each key, and then answers 503 once. `attempts` counts requests by key."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), FaultyHandler)
        self.target = target
        self.attempts: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class FaultyHandler(BaseHTTPRequestHandler):
    server: FaultyFront

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        self.server.attempts[key] += 1
        attempt = self.server.attempts[key]
        if attempt == 2:
            self._answer(503, b"{}", {"Retry-After": "1"})
            return
        names = ("Authorization", "Content-Type", "Idempotency-Key")
        headers = {name: self.headers[name] for name in names}
        answer = httpx.post(self.server.target + self.path, content=body, headers=headers, timeout=RUN_S)
        if attempt > 2:
            self._answer(answer.status_code, answer.content, {"Content-Type": answer.headers["content-type"]})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


@contextmanager
def faulty_front(target: str) -> Iterator[FaultyFront]:
    with FaultyFront(target) as front:
        thread = threading.Thread(target=front.serve_forever)
        thread.start()
        try:
            yield front
        finally:
            front.shutdown()
            thread.join()


def commands(folder: Path) -> dict[str, list[str]]:
    """Write each recipe of the page into a file. Return the commands that post a line with it."""
    kinds = {"curl": ("bash", "post.sh"), "php": ("php", "post.php"), "node": ("js", "post.mjs")}
    for kind, file in kinds.values():
        (recipe,) = examples(PAGE, kind)
        (folder / file).write_text(recipe.text, encoding="utf-8")
    body = json.dumps({"change": "new", "text": LINES["curl"], "confirmed": True})
    return {
        "curl": ["bash", str(folder / "post.sh"), "curl-1", body],
        "php": [*PHP, str(folder / "post.php"), "php-1", LINES["php"]],
        "node": [find_program("node"), str(folder / "post.mjs"), "node-1", LINES["node"]],
    }


def test_each_recipe_posts_its_line_once_through_lost_and_refused_answers(folder: Path, tmp_path: Path) -> None:
    environ = os.environ | {"PATH": f"{program('curl').parent}{os.pathsep}{os.environ['PATH']}"}
    with System(folder) as system, Program(["api", "--port", "0"], system.environ, folder / "api.log") as api:
        assert system.ticker("editor", "add", "cms", "-e", "en").code == 0
        token = system.ticker("token", "create", "cms", "-e", "en", "--json").json["token"]
        with faulty_front(api.url) as front, ThreadPoolExecutor() as pool:
            environ |= {"TICKER_API": front.url, "TICKER_TOKEN": token}

            def run(command: list[str]) -> subprocess.CompletedProcess[str]:
                return subprocess.run(
                    command, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_S, check=False
                )

            wanted = commands(tmp_path)
            ran = dict(zip(wanted, pool.map(run, wanted.values()), strict=True))
            for name, done in ran.items():
                assert done.returncode == 0, (name, done.stdout, done.stderr)
                receipt = json.loads(done.stdout)
                assert (receipt["status"], receipt["key"]) == ("on-air", f"{name}-1")
            assert front.attempts == {f'"{name}-1"': 3 for name in wanted}
            refused = run([*wanted["node"][:2], "node-1", "Another text with the same key"])
            assert (refused.returncode, "was used for another request" in refused.stderr) == (1, True)
        shown = [line["text"] for line in system.tick("board", "-e", "en", "--json").json["lines"]]
        assert sorted(shown) == sorted(text.removeprefix("Met office: ") for text in LINES.values())
