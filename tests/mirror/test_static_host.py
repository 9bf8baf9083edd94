"""`ticker mirror` as a process, and its folder on a static host: the nginx of `docs/cdn.md`, without a gateway."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import AsyncExitStack, aclosing, suppress
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from tests.support.doc_examples import examples
from tests.support.log_writer import LogWriter
from tests.support.programs import program
from tests.support.servers import HOST, RedisServer, ServerProcess, free_port
from tests.support.system import Program, environment
from tests.support.waiting import WAIT_S, eventually
from ticker.client import BoardMessage, poll

PAGE: Final = Path(__file__).parents[2] / "docs" / "cdn.md"
SERVER: Final = next(examples(PAGE, "nginx")).text
SECRET: Final = "SECRETWORD"
COMMAND: Final = next(examples(PAGE, "console")).text


class StaticHost(ServerProcess):
    """nginx with the `server` of the page, for a folder."""

    def __init__(self, dir: Path, folder: Path) -> None:  # noqa: A002 -- as ServerProcess
        super().__init__(dir)
        self.port = free_port()
        server = SERVER
        for before, after in {
            "listen 443 ssl;": f"listen {HOST}:{self.port};",
            "    ssl_certificate /etc/ssl/news.example.pem;\n": "",
            "    ssl_certificate_key /etc/ssl/news.example.key;\n": "",
            "/srv/public": str(folder),
        }.items():
            assert before in server, f"the page has no {before!r}"
            server = server.replace(before, after)
        paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "".join(f"{path}_temp_path {dir / path};\n" for path in paths)
        # Workers of a root's nginx run as another user, who can't open the folder.
        user = "" if os.geteuid() else "user root root;"
        logs = f"error_log {dir / 'error.log'};\npid {dir / 'pid'};\n"
        (dir / "nginx.conf").write_text(
            f"daemon off; {user}\nworker_processes 1;\n{logs}events {{ }}\n"
            f"http {{\naccess_log off;\n{folders}{server}}}\n",
            encoding="utf-8",
        )

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def _words(self) -> list[str]:
        return [str(program("nginx")), "-p", str(self.dir), "-e", "stderr", "-c", str(self.dir / "nginx.conf")]

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        with suppress(OSError), socket.create_connection((HOST, self.port)):
            return True
        return False


async def first_texts(url: str) -> list[str]:
    async with asyncio.timeout(WAIT_S), aclosing(poll(url)) as messages:
        async for message in messages:
            if isinstance(message, BoardMessage):
                return [line.text for line in message.lines]
    raise AssertionError("poll yields until it is stopped")


async def statuses(client: httpx.AsyncClient, *paths: str) -> set[int]:
    return {(await client.get(path)).status_code for path in paths}


async def lacks_secret(client: httpx.AsyncClient, path: str) -> bool:
    return SECRET not in (await client.get(path)).text


async def test_static_host_serves_the_mirror_without_a_gateway(redis_server: RedisServer, folder: Path) -> None:
    public = folder / "public"
    words = COMMAND.strip().removeprefix("$ ticker ").replace("/srv/public", str(public)).split()
    gateway = Program(
        ["gateway", "--port", "0"], environment(TICKER_REDIS_URL=redis_server.url), folder / "gateway.log"
    )
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(aclosing(await LogWriter(redis_server.url).begin()))
        line = await log.post(SECRET)
        await log.post("Night trains return")
        stack.enter_context(gateway)
        words[words.index("http://10.0.0.11:8080")] = gateway.url
        stack.enter_context(Program(words, environment(), folder / "mirror.log"))
        host = stack.enter_context(StaticHost(folder / "nginx", public))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=host.url, trust_env=False))
        assert await first_texts(f"{host.url}/en") == ["Night trains return", SECRET]
        await log.withdraw(line)
        for path in ("/v1/en/tail", "/en", "/en/feed.rss", f"/en/lines/{line.id}"):
            await eventually(partial(lacks_secret, client, path), f"the withdrawal is in {path}")
        gateway.kill()
        assert (await first_texts(f"{host.url}/en"))[0] == "Night trains return"
        tail, page = await client.get("/v1/en/tail"), await client.get("/en")
        module = await client.get("/widget/tail.js")
        assert await statuses(client, f"/en/lines/{line.id}", "/en/feed.atom", "/v1/editions") == {200}
        assert await statuses(client, "/_nginx.conf", "/_headers", "/.ticker-mirror", "/en/lines/x") == {404}
    assert tail.headers["Content-Type"] == "application/json"
    assert tail.headers["Cache-Control"].startswith("public, max-age=1,")
    assert tail.headers["Access-Control-Allow-Origin"] == "*"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert module.headers["Content-Type"].startswith("text/javascript")
