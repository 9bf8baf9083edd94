"""One HTTP request to a host of a topology."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Final

import msgspec

REQUEST_S: Final = 5.0


class Response(msgspec.Struct, frozen=True):
    status: int
    body: bytes


def get(address: str, port: int, path: str, *, site: str | None = None, certificate: Path | None = None) -> Response:
    """Send a GET request, with TLS if there is a certificate to trust. `site` is the name to ask for.

    Raises:
        OSError: If the host doesn't answer.

    """
    name = site or address
    plain = socket.create_connection((address, port), REQUEST_S)
    try:
        if certificate is None:
            connection: HTTPConnection = HTTPConnection(name, port, timeout=REQUEST_S)
            connection.sock = plain
        else:
            context = ssl.create_default_context(cafile=str(certificate))
            connection = HTTPSConnection(name, port, timeout=REQUEST_S, context=context)
            connection.sock = plain = context.wrap_socket(plain, server_hostname=name)
        connection.request("GET", path)
        answer = connection.getresponse()
        return Response(answer.status, answer.read())
    finally:
        plain.close()
