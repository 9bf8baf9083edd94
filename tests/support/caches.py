"""Varnish and nginx with the files of `deploy/cdn/`, in front of a gateway on this machine.

Only addresses, ports and paths differ from the files: each difference is a replacement of words that must be in the
file.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from scripts.topologies.proxy_files import nginx_folders
from tests.support.programs import program
from tests.support.servers import HOST, ServerProcess, free_port

FILES: Final = Path(__file__).parents[2] / "deploy" / "cdn"
CACHES: Final = {"varnish": "ticker.vcl", "nginx": "nginx.conf"}
"""The file of each cache in `deploy/cdn/`."""


class Cache(ServerProcess):
    """A running cache in front of the gateway at a port, which stands for both of the file.

    Args:
        dir: The folder for its files.
        name: `varnish` or `nginx`.
        gateway: The port of the gateway.

    """

    def __init__(self, dir: Path, name: str, gateway: int) -> None:  # noqa: A002 -- as ServerProcess
        super().__init__(dir)
        self.name, self.port = name, free_port()
        text = (FILES / CACHES[name]).read_text(encoding="utf-8")
        for before, after in (self._nginx(gateway) if name == "nginx" else _varnish(gateway)).items():
            assert before in text, f"{CACHES[name]} has no {before!r}"
            text = text.replace(before, after)
        self.file = dir / CACHES[name]
        self.file.write_text(text, encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def _nginx(self, gateway: int) -> dict[str, str]:
        return {
            # Workers of a root's nginx run as another user, who can't open the folder.
            "user www-data;": "daemon off;" if os.geteuid() else "daemon off; user root root;",
            "worker_processes auto;": "worker_processes 1;",
            "worker_rlimit_nofile 200000;\n": "",
            "worker_connections 100000;": "worker_connections 2000;",
            "/var/log/nginx/error.log": str(self.dir / "error.log"),
            "/run/nginx.pid": str(self.dir / "pid"),
            "/var/cache/nginx/tail": str(self.dir / "tail"),
            "http {\n": f"http {{\n{nginx_folders(self.dir)}",
            "        listen [::]:80;\n": "",
            "listen 80;": f"listen {HOST}:{self.port};",
            "10.0.0.11:8080": f"{HOST}:{gateway}",
            "        server 10.0.0.12:8080;\n": "",
        }

    def _words(self) -> list[str]:
        if self.name == "nginx":
            return [str(program("nginx")), "-p", str(self.dir), "-e", "stderr", "-c", str(self.file)]
        listen = ["-a", f"{HOST}:{self.port}", "-T", "none", "-n", str(self.dir / "varnish")]
        threads = ["-p", "thread_pools=1", "-p", "thread_pool_min=10"]
        return [
            str(program("varnishd")),
            "-F",
            "-j",
            "none",
            *listen,
            *threads,
            "-s",
            "malloc,16m",
            "-f",
            str(self.file),
        ]

    def _is_ready(self) -> bool:
        assert self.process is not None
        status = self.process.poll()
        assert status is None, f"{self.name} ended with status {status} at its start:\n{self.log[-2000:]}"
        with suppress(OSError), socket.create_connection((HOST, self.port)):
            return True
        return False


def _varnish(gateway: int) -> dict[str, str]:
    return {
        '"10.0.0.11"': f'"{HOST}"',
        '"10.0.0.12"': f'"{HOST}"',
        '.port = "8080";': f'.port = "{gateway}";',
    }


async def poll_raw(port: int, path: str, times: int) -> list[int]:
    """Request `path` so many times over one connection, each time with another query. Return the status codes.

    The headers are those of a reader who wants to get around a cache.
    """
    reader, writer = await asyncio.open_connection(HOST, port)
    statuses: list[int] = []
    for number in range(times):
        headers = f"Host: h{number}.example\r\nCache-Control: no-cache\r\nAccept-Encoding: gzip, x{number}\r\n"
        writer.write(f"GET {path}?{number} HTTP/1.1\r\n{headers}Cookie: a={number}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        statuses.append(int(head.split(b" ", 2)[1]))
        await _read_body(reader, head)
    writer.close()
    return statuses


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"transfer-encoding: chunked" not in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
        return
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
