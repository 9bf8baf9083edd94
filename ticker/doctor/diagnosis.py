"""All that `ticker doctor` can find."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from ticker.doctor import machine_findings, part_findings, redis_findings, site_findings, tls_findings
from ticker.doctor.finding import Finding, by_severity
from ticker.doctor.machine_findings import MachineFacts
from ticker.doctor.part_findings import PartFacts
from ticker.doctor.redis_facts import ServerFacts
from ticker.doctor.site_findings import SiteFacts
from ticker.doctor.tls_findings import TlsFacts


class Area(StrEnum):
    """The parts of a system that `ticker doctor` examines."""

    REDIS = "redis"
    MACHINE = "machine"
    PARTS = "parts"
    SITE = "site"


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The gathered facts. A field is empty or None if its area wasn't examined."""

    servers: tuple[ServerFacts, ...] = ()
    redis_trouble: str | None = None
    """Why Redis can't be used, or None."""
    machine: MachineFacts | None = None
    parts: tuple[PartFacts, ...] = ()
    site: SiteFacts | None = None
    tls: tuple[TlsFacts, ...] = ()
    """Those of the site and of Redis."""


CODES: Final = (
    *redis_findings.CODES,
    *machine_findings.CODES,
    *part_findings.CODES,
    *site_findings.CODES,
    *tls_findings.CODES,
)
"""The codes of all findings."""


def diagnose(facts: Facts) -> list[Finding]:
    """Return all findings, the most serious first."""
    found = [] if facts.redis_trouble is None else [redis_findings.down_finding(facts.redis_trouble)]
    found += [finding for server in facts.servers for finding in redis_findings.server_findings(server)]
    if facts.machine is not None:
        found += machine_findings.machine_findings(facts.machine)
    found += part_findings.part_findings(facts.parts)
    if facts.site is not None:
        found += site_findings.site_findings(facts.site)
    found += [finding for tls in facts.tls for finding in tls_findings.tls_findings(tls)]
    return by_severity(found)
