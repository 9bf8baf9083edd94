"""`ticker check`: report unsafe settings of the Redis server."""

from __future__ import annotations

from pathlib import Path

import click

from ticker.commands.options import data_option, run_with_redis, url_of_redis
from ticker.console import Console, Style, Styled, examples, shared_options
from ticker.store.url import redact

UNSAFE = 1


@click.command(
    short_help="Report unsafe settings of the Redis server.",
    epilog=examples("ticker check", "TICKER_REDIS_URL=redis://redis.example/0 ticker check --json"),
)
@data_option
@shared_options
@click.pass_obj
def check(console: Console, /, *, data: Path | None) -> int:
    """Report what makes the Redis server unsafe for news that must not be lost, and how to fix it.

    The exit status is 0 if nothing is unsafe, or else 1.
    """
    from ticker.store.server_checks import findings, server_facts  # noqa: PLC0415 -- slow to import

    url = url_of_redis(console, data)
    servers = run_with_redis(console, data, server_facts)
    found = list(dict.fromkeys(finding for facts in servers for finding in findings(facts)))
    if console.json:
        console.give({"redis": redact(url), "servers": servers, "findings": found})
        return UNSAFE if found else 0
    for facts in dict.fromkeys((facts.software, facts.version, facts.topology) for facts in servers):
        software, version, topology = facts
        console.tell(f"{redact(url)}  {software.value if software else 'unknown'} {version or ''} ({topology.value})")
    for finding in found:
        console.say(Styled("unsafe", Style.HELD, f"  {finding.sentence}  [{finding.code}]"))
        console.say(f"  {finding.remedy}")
    if not found:
        console.say("nothing unsafe was found")
    return UNSAFE if found else 0
