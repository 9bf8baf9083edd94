"""The TLS options of a Redis URL, for connections without redis-py. Its connections have the same."""

from __future__ import annotations

import ssl
from collections.abc import Mapping


def tls_context(options: Mapping[str, object]) -> ssl.SSLContext:
    """Return the context for the TLS options of `ticker.store.url`.

    Raises:
        OSError: If a file can't be read, or has no certificate or key.

    """
    context = ssl.create_default_context()
    is_checked = options.get("ssl_cert_reqs", "required") == "required"
    context.check_hostname = is_checked and bool(options.get("ssl_check_hostname", True))
    context.verify_mode = ssl.CERT_REQUIRED if is_checked else ssl.CERT_NONE
    if "ssl_certfile" in options:
        keyfile = options.get("ssl_keyfile")
        context.load_cert_chain(str(options["ssl_certfile"]), None if keyfile is None else str(keyfile))
    if "ssl_ca_certs" in options:
        context.load_verify_locations(str(options["ssl_ca_certs"]))
    return context
