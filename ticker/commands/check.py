"""`ticker check`: report unsafe settings of the Redis server."""

from __future__ import annotations

from pathlib import Path

import click

from ticker.commands.options import data_option, run_with_redis, url_of_redis
from ticker.console import Console, Style, Styled, examples, shared_options
from ticker.core.errors import SettingsError
from ticker.store.url import redact

UNSAFE = 1


@click.command(
    short_help="Report unsafe settings of the Redis server.",
    epilog=examples("ticker check --accept one-server", "TICKER_REDIS_URL=redis://redis.example/0 ticker check --json"),
)
@click.option(
    "--accept",
    metavar="CODE",
    multiple=True,
    help="Accept a finding, for example one-server: it doesn't count for the exit status. Can be given several times.",
)
@data_option
@shared_options
@click.pass_obj
def check(console: Console, /, *, accept: tuple[str, ...], data: Path | None) -> int:
    """Report what makes the Redis server unsafe for news that must not be lost, and how to fix it.

    The exit status is 0 if nothing is unsafe, or else 1.
    """
    from ticker.store import server_checks  # noqa: PLC0415 -- slow to import

    for code in accept:
        if code not in server_checks.CODES:
            raise SettingsError(f"there is no finding {code[:40]!a}: there are {', '.join(server_checks.CODES)}")
    url = url_of_redis(console, data)
    servers = run_with_redis(console, data, server_checks.server_facts)
    every = dict.fromkeys(finding for facts in servers for finding in server_checks.findings(facts))
    found = [finding for finding in every if finding.code not in accept]
    accepted = [finding for finding in every if finding.code in accept]
    if console.json:
        console.give({"redis": redact(url), "servers": servers, "findings": found, "accepted": accepted})
        return UNSAFE if found else 0
    for facts in dict.fromkeys((facts.software, facts.version, facts.topology) for facts in servers):
        software, version, topology = facts
        console.tell(f"{redact(url)}  {software.value if software else 'unknown'} {version or ''} ({topology.value})")
    for finding in found:
        console.say(Styled("unsafe", Style.HELD, f"  {finding.sentence}  [{finding.code}]"))
        console.say(f"  {finding.remedy}")
    for finding in accepted:
        console.say(f"accepted  {finding.sentence}  [{finding.code}]")
    if not found:
        console.say("nothing else is unsafe" if accepted else "nothing unsafe was found")
    return UNSAFE if found else 0
