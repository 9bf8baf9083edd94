"""Requests over HTTP/1.1 for the probes: one per connection. The proxy sees them as it sees a browser's.

A library would hide what a probe measures: when each byte arrives. The parser is the gateway's own, httptools.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httptools
import msgspec

from ticker.core.errors import SettingsError

TIMEOUT_S: Final = 10.0
BODY_BYTES: Final = 4 * 1024 * 1024
"""The largest answer that is read."""


class Answer(msgspec.Struct):
    """An answer, as far as it has arrived. The names of `headers` are in lower case.

    After an upgrade, `body` has what the server sends on the connection.
    """

    status: int = 0
    headers: dict[str, str] = {}
    body: bytes = b""
    is_complete: bool = False


class Server(msgspec.Struct, frozen=True):
    """A server, the TLS context for it (None for plain HTTP), and what goes into its header `Host`."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    authority: str


def server_at(parts: SplitResult, *, is_verified: bool = True) -> Server:
    """Return the server of an `http` or `https` URL. Without `is_verified`, any certificate is accepted."""
    assert parts.hostname is not None
    tls = None
    if parts.scheme == "https":
        tls = ssl.create_default_context()
        if not is_verified:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
    port = parts.port or (443 if tls else 80)
    return Server(parts.hostname, port, tls, parts.netloc)


def reason_of(error: Exception) -> str:
    """Return in a few words why a request failed."""
    if isinstance(error, TimeoutError):
        return "it doesn't answer in time"
    # asyncio's own text has the address again. The numbers of TLS and of names are others than the system's.
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError | socket.gaierror):
        return os.strerror(error.errno)
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(str(text).split())[:200] or type(error).__name__


def parse_origin(url: str, option: str) -> SplitResult:
    """Parse the URL of an option: scheme and host, nothing else.

    Raises:
        SettingsError: If it has something else, such as a password. The message doesn't contain the URL then.

    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise SettingsError(f"{option} can't be parsed: write a scheme and a host, like https://news.example") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise SettingsError(f"{option} needs the scheme and the host of a server, like https://news.example")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise SettingsError(f"{option} has more than the scheme and the host: leave the rest out")
    return parts._replace(path="")


async def get(server: Server, path: str, headers: dict[str, str] | None = None) -> Answer:
    """Send a GET request, and return the complete answer.

    Raises:
        OSError: If the server can't be reached, answers too late, or answers something else than HTTP.

    """
    async with asyncio.timeout(TIMEOUT_S), streamed(server, path, {"Connection": "close", **(headers or {})}) as parts:
        answer = Answer()
        async for answer in parts:
            if answer.is_complete:
                break
            if len(answer.body) > BODY_BYTES:
                raise ConnectionError(f"the answer to {path} is larger than {BODY_BYTES} bytes")
        if not answer.status:
            raise ConnectionError(f"no answer to {path}")
        return answer


@asynccontextmanager
async def streamed(server: Server, path: str, headers: dict[str, str]) -> AsyncIterator[AsyncIterator[Answer]]:
    """Send a GET request. Yield an iterator with the answer so far, each time that bytes arrive, until the end.

    Raises:
        OSError: As `get`, but without a timeout.

    """
    reader, writer = await asyncio.open_connection(server.host, server.port, ssl=server.tls)
    try:
        lines = [f"GET {path} HTTP/1.1", f"Host: {server.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("ascii"))
        await writer.drain()
        yield _read(reader)
    finally:
        # An orderly end of TLS would wait for the server, up to 30 s.
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> AsyncIterator[Answer]:
    collector = _Collector()
    is_upgraded = False
    while data := await reader.read(65_536):
        if is_upgraded:
            collector.on_body(data)
        else:
            try:
                collector.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                is_upgraded = True
                collector.answer.is_complete = False
                collector.on_body(data[upgrade.args[0] :])
            except httptools.HttpParserError as error:
                raise ConnectionError(f"the answer isn't HTTP/1.1: {error}") from error
        yield collector.answer


class _Collector:
    """The callbacks of httptools."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.parser = httptools.HttpResponseParser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.answer.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.answer.body += body

    def on_message_complete(self) -> None:
        self.answer.is_complete = True
