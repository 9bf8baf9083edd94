"""Gather the facts of the areas that were chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from urllib.parse import SplitResult

import msgspec

from ticker.core.errors import StoreError
from ticker.doctor.diagnosis import Area, Facts
from ticker.doctor.machine_probe import is_on_this_machine, machine_facts
from ticker.doctor.part_probe import part_facts
from ticker.doctor.redis_probe import server_facts
from ticker.doctor.site_probe import site_facts
from ticker.doctor.tls_findings import TlsFacts
from ticker.doctor.tls_probe import tls_facts
from ticker.store.connection import explain, open_redis
from ticker.store.url import parse_url


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to examine.

    Attributes:
        areas: The areas.
        redis_url: The URL of Redis, or None if the area isn't wanted.
        followers: How many followers this machine should carry.
        parts: The addresses of parts for operators.
        site: The URL of the site, or None.
        heartbeat_s: The setting of its gateways.

    """

    areas: Collection[Area]
    redis_url: str | None
    followers: int
    parts: tuple[SplitResult, ...]
    site: SplitResult | None
    heartbeat_s: float


async def examine(wanted: Wanted, tell: Callable[[str], None]) -> Facts:
    """Gather the facts. `tell` is called with what happens now.

    Raises:
        SettingsError: If the URL of Redis can't be used.

    """
    facts = Facts()
    if wanted.redis_url is not None:
        tell("Redis …")
        facts = await _redis_facts(wanted.redis_url)
    if Area.MACHINE in wanted.areas:
        has_redis = wanted.redis_url is not None and is_on_this_machine(wanted.redis_url)
        facts = msgspec.structs.replace(facts, machine=machine_facts(wanted.followers, has_redis=has_redis))
    if wanted.parts:
        tell("parts …")
        parts = await asyncio.gather(*(part_facts(each) for each in wanted.parts))
        facts = msgspec.structs.replace(facts, parts=tuple(parts))
    if wanted.site is not None:
        site, tls = await site_facts(wanted.site, wanted.heartbeat_s, tell)
        facts = msgspec.structs.replace(facts, site=site, tls=(*facts.tls, *([] if tls is None else [tls])))
    return facts


async def _redis_facts(url: str) -> Facts:
    """Return the facts of Redis. One that can't be reached, or rejects the password, is a finding and no error."""
    try:
        tls = await _redis_tls(url)
        async with open_redis(url, role="ticker") as redis:
            return Facts(servers=await server_facts(redis), tls=tls)
    except StoreError as error:
        return Facts(redis_trouble=str(error))
    except OSError as error:
        return Facts(redis_trouble=explain(error, url))


async def _redis_tls(url: str) -> tuple[TlsFacts, ...]:
    """Return the facts of the servers that the URL names. The certificate is checked as the URL says."""
    target = parse_url(url)
    if target.tls is None or target.tls.get("ssl_cert_reqs") == "none":
        return ()
    authorities = target.tls.get("ssl_ca_certs")
    file = None if authorities is None else str(authorities)
    return tuple([await tls_facts(host, port, file) for host, port in target.nodes])
