"""Find out what a server shows to a client with TLS."""

from __future__ import annotations

import asyncio
import ssl
import time
import warnings
from typing import Final

from ticker.doctor.tls_findings import TlsFacts

TIMEOUT_S: Final = 5.0
_DAY_S: Final = 86_400.0
_VERSIONS: Final = {"TLSv1": "TLSv1", "TLSv1_1": "TLSv1.1", "TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}
"""Python's name of each version, and the usual one."""


async def tls_facts(host: str, port: int, authorities: str | None = None) -> TlsFacts:
    """Connect several times, and return the facts. `authorities` is a file with certificates, or None for the system's.

    Raises:
        OSError: If the server can't be reached.

    """
    server = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    trouble, days_left = None, None
    try:
        days_left = await _days_left(host, port, ssl.create_default_context(cafile=authorities))
    except ssl.SSLCertVerificationError as error:
        trouble = error.verify_message
    except ssl.SSLError as error:
        trouble = error.reason or str(error)
    versions = [shown for name, shown in _VERSIONS.items() if await _accepts(host, port, name)]
    return TlsFacts(server=server, trouble=trouble, days_left=days_left, versions=tuple(versions))


async def _days_left(host: str, port: int, context: ssl.SSLContext) -> float | None:
    """Return the days until the certificate ends.

    Raises:
        ssl.SSLError: If it is rejected.

    """
    async with asyncio.timeout(TIMEOUT_S):
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    certificate = writer.get_extra_info("peercert")
    writer.transport.abort()
    end = certificate.get("notAfter") if certificate else None
    return None if end is None else (ssl.cert_time_to_seconds(end) - time.time()) / _DAY_S


async def _accepts(host: str, port: int, name: str) -> bool:
    """Return whether a handshake with this version succeeds. Nothing is sent, so nothing is verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the old versions are: we look for them
        version = ssl.TLSVersion[name]
        context.minimum_version = context.maximum_version = version
    # Otherwise, OpenSSL 3 itself refuses the old versions.
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
    except OSError:  # TimeoutError and ssl.SSLError are kinds of it
        return False
    writer.transport.abort()
    return True
