"""Policies: the resources that our pages may load, the sites that may frame them, and a framed page's rights."""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import URL

from ticker.core.edition import Edition

SANDBOX: Final = "allow-scripts allow-popups allow-popups-to-escape-sandbox"
"""The rights of the framed page of an open edition. It has an opaque origin: its requests have `Origin: null`."""
SANDBOX_OF_RESTRICTED: Final = f"{SANDBOX} allow-same-origin"
"""The rights of the framed page of an edition that restricts `origins`. It has the gateway's own origin.

The gateway refuses `Origin: null` for such an edition, because a page of any site can make a frame with that origin.
"""
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")


def frame_ancestors(edition: Edition) -> str:
    """Return the origins whose pages may frame the edition (CSP `frame-ancestors`): those that may follow it."""
    if "*" in edition.origins:
        return "*"
    return " ".join(["'self'", *(origin for origin in edition.origins if _ORIGIN.fullmatch(origin))])


def frame_sandbox(edition: Edition) -> str:
    """Return the `sandbox` attribute of an iframe that shows the edition."""
    return SANDBOX if "*" in edition.origins else SANDBOX_OF_RESTRICTED


def security_headers(ancestors: str = "'self'", address: URL | None = None) -> dict[str, str]:
    """Return the security headers of a page.

    Args:
        ancestors: The origins whose pages may frame it (CSP `frame-ancestors`).
        address: The public address of a page that is made for frames. The policy then names its origin, too: in a
            sandboxed frame the page's origin is opaque, and WebKit matches `'self'` with that.

    """
    own, sockets = "'self'", "'self'"
    # A client chooses the host of its request. One that isn't plain could add directives to the policy.
    if address is not None and _ORIGIN.fullmatch(origin := f"{address.scheme}://{address.netloc}"):
        own = f"'self' {origin}"
        sockets = f"{own} ws{origin.removeprefix('http')}"
    policy = (
        f"default-src 'none'; script-src {own}; style-src {own}; connect-src {sockets}; img-src {own}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
        f"frame-ancestors {ancestors}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }
