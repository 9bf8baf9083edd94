"""Judge a server's TLS: its certificate, and the versions that it offers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ticker.doctor.finding import Check, Finding, Severity, codes_of, judge_all

RENEW_DAYS: Final = 14
"""Certificates of 90 days are usually renewed 30 days before their end. With fewer left, the renewal has failed."""
OLD_VERSIONS: Final = ("TLSv1", "TLSv1.1")
"""Forbidden since RFC 8996."""


class TlsFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a server's certificate and TLS versions."""

    server: str
    """Its host and port."""
    trouble: str | None = None
    """Why a browser rejects the certificate, or None."""
    days_left: float | None = None
    """Until the certificate ends. None if it is rejected."""
    versions: tuple[str, ...] = ()
    """The versions that it accepts, of those that this machine's OpenSSL can speak."""

    @property
    def days(self) -> int:
        """`days_left` for a sentence."""
        return int(self.days_left or 0)

    @property
    def old_versions(self) -> str:
        """The versions that it should not accept."""
        return ", ".join(version for version in self.versions if version in OLD_VERSIONS)


def tls_findings(facts: TlsFacts) -> list[Finding]:
    """Return the findings about the server's TLS."""
    return judge_all(_CHECKS, facts)


_SHOW: Final = (
    "openssl s_client -connect {facts.server} </dev/null | openssl x509 -noout -subject -ext subjectAltName -dates"
)

_CHECKS: Final[Sequence[Check[TlsFacts]]] = (
    Check(
        code="certificate",
        severity=Severity.DANGER,
        applies=lambda facts: facts.trouble is not None,
        sentence="the certificate of {facts.server} is rejected: {facts.trouble}",
        meaning="clients refuse to connect",
        fix=_SHOW,
    ),
    Check(
        code="certificate-end",
        severity=Severity.WARNING,
        applies=lambda facts: facts.days_left is not None and facts.days_left < RENEW_DAYS,
        sentence="the certificate of {facts.server} ends in {facts.days} days",
        meaning="from then on, clients refuse to connect",
        fix=_SHOW,
    ),
    Check(
        code="tls-old",
        severity=Severity.WARNING,
        applies=lambda facts: bool(facts.old_versions),
        sentence="{facts.server} accepts {facts.old_versions}",
        meaning="a third party in the network may change what readers get",
        fix="ssl_protocols TLSv1.2 TLSv1.3;   # nginx. Caddy and HAProxy accept no older version by default",
    ),
    Check(
        code="tls-new",
        severity=Severity.HINT,
        applies=lambda facts: bool(facts.versions) and "TLSv1.3" not in facts.versions,
        sentence="{facts.server} doesn't accept TLS 1.3",
        meaning="each new connection takes a round trip longer",
        fix="ssl_protocols TLSv1.2 TLSv1.3;   # nginx",
    ),
)

CODES: Final = tuple(codes_of(_CHECKS))
"""The codes of all findings."""
