"""A TLS proxy in front of a Redis server."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.support.servers import RedisServer


@asynccontextmanager
async def tls_front(server: RedisServer, folder: Path) -> AsyncIterator[str]:
    """Start a proxy that terminates TLS and forwards to `server`. Yield its URL, for `localhost`.

    The packaged server is built without TLS. To a client, the proxy looks like a server with TLS.
    """
    assert server.socket is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = tls_certificate(folder)
    context.load_cert_chain(certificate, tls_key(folder))
    path = server.socket
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        behind_reader, behind_writer = await asyncio.open_unix_connection(path)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_forward(reader, behind_writer))
                group.create_task(_forward(behind_reader, writer))
        finally:
            writer.close()
            behind_writer.close()

    front = await asyncio.start_server(serve, "localhost", 0, family=socket.AF_INET, ssl=context)
    port = front.sockets[0].getsockname()[1]
    try:
        yield f"rediss://localhost:{port}?ssl_ca_certs={quote(str(certificate))}"
    finally:
        front.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await front.wait_closed()


def tls_certificate(folder: Path) -> Path:
    """Write the self-signed test certificate. Return its path, for a client's `ssl_ca_certs`."""
    path = folder / "certificate.pem"
    path.write_text(_CERTIFICATE, encoding="ascii")
    return path


def tls_key(folder: Path) -> Path:
    """Write the key of the test certificate. Return its path."""
    path = folder / "key.pem"
    path.write_text(_KEY, encoding="ascii")
    return path


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


# A key and a certificate for localhost and 127.0.0.1, valid until 2126. They protect nothing. They are here because
# a bare machine may lack a program that generates them.
_KEY: Final = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmg4EsxPifoshrOrf
xNit1u3lNgMKbMpS9ZTTwpJ6uP+hRANCAAS/wrzYmv8oWZzoEqOiuFZuKz7Ydt6m
TJNixqfg1By4XfHr5ob1f3A2Y6zMVzU0Dh59zBPx/552UDzjtiiBMNdm
-----END PRIVATE KEY-----
"""
_CERTIFICATE: Final = """\
-----BEGIN CERTIFICATE-----
MIIBrDCCAVGgAwIBAgIUHo1+7hCM08JQqnqanp3roSQS91MwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDAyMDgwOVoYDzIxMjYxMDMx
MDIwODA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAS/wrzYmv8oWZzoEqOiuFZuKz7Ydt6mTJNixqfg1By4XfHr5ob1f3A2
Y6zMVzU0Dh59zBPx/552UDzjtiiBMNdmo38wfTAdBgNVHQ4EFgQUy7Ih/r2Y+57J
SDtfvxm+SPesU/EwHwYDVR0jBBgwFoAUy7Ih/r2Y+57JSDtfvxm+SPesU/EwGgYD
VR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0P
AQH/BAQDAgKEMAoGCCqGSM49BAMCA0kAMEYCIQDwBK9AUWWkKgzaFR/kypHz4I9d
0LHuiAl7Pva33btIbgIhAMhPhFnHhGjdwGS4Ep6FwzfsKqL0rVPB66Hz3CRsvRHF
-----END CERTIFICATE-----
"""
