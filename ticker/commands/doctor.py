"""`ticker doctor`: find what makes the system unsafe, or too small for its readers."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ticker.commands.options import data_option, settings_for, settings_option, url_of_redis, warn_of_unknown_variables
from ticker.console import Console, Style, Styled, examples, shared_options
from ticker.core.errors import SettingsError, StoreError
from ticker.settings import Settings
from ticker.store.url import redact

if TYPE_CHECKING:
    from ticker.doctor.diagnosis import Area, Facts
    from ticker.doctor.finding import Finding

UNSAFE: Final = 1
_STYLES: Final = {"danger": Style.BAD, "warning": Style.HELD, "hint": Style.WARNING}
_WIDTH: Final = 10
"""Columns of the severity, with the spaces after it."""


@click.command(
    short_help="Find what is unsafe, or too small for the readers.",
    epilog=examples(
        "ticker doctor redis --accept one-server",
        "ticker doctor machine --followers 50000",
        "ticker doctor --site https://news.example --part http://127.0.0.1:9100",
    ),
)
@click.argument("areas", metavar="[redis|machine|parts|site]...", nargs=-1)
@click.option(
    "--site",
    metavar="URL",
    help="The scheme and host that readers use, to examine its proxy.  [default: the setting `public_url`]",
)
@click.option(
    "--part",
    "parts",
    metavar="URL",
    multiple=True,
    help="A gateway, or the address of --metrics of another part. Can be given several times.",
)
@click.option(
    "--followers",
    type=click.IntRange(1, 10_000_000),
    metavar="N",
    help="How many followers this machine should carry.  [default: the setting `followers`]",
)
@click.option(
    "--accept",
    metavar="CODE",
    multiple=True,
    help="Accept a finding, for example one-server: it doesn't count for the exit status. Can be given several times.",
)
@data_option
@settings_option
@shared_options
@click.pass_obj
def doctor(
    console: Console,
    /,
    *,
    areas: tuple[str, ...],
    site: str | None,
    parts: tuple[str, ...],
    followers: int | None,
    accept: tuple[str, ...],
    data: Path | None,
    settings: Path | None,
) -> int:
    """Find what makes the system unsafe or too small for its readers, and how to fix it. Nothing is changed.

    `redis` is the server with its replicas, `machine` the machine that the command runs on, `parts` are the running
    parts (--part), and `site` is what readers reach (--site). Without an argument, everything with a known address is
    examined.

    The exit status is 1 if there is a danger or a warning that isn't accepted, or else 0.
    """
    from ticker.doctor import diagnosis, examination, http  # noqa: PLC0415 -- slow to import

    _check_codes(accept, diagnosis.CODES)
    area = diagnosis.Area
    limits = settings_for(console, settings, None)
    chosen = _chosen(areas, list(area))
    _check_named(areas, site=site or limits.public_url, parts=parts)
    warn_of_unknown_variables(console)
    address = site or limits.public_url if area.SITE in chosen else None
    wanted = examination.Wanted(
        areas=chosen,
        redis_url=_redis_url(console, data, is_named=area.REDIS in areas) if area.REDIS in chosen else None,
        followers=followers or limits.followers or Settings().followers,
        parts=tuple(http.parse_origin(each, "--part") for each in parts) if area.PARTS in chosen else (),
        site=None if address is None else http.parse_origin(address, "--site"),
        heartbeat_s=limits.heartbeat_s,
    )
    facts = asyncio.run(examination.examine(wanted, console.show_progress))
    console.show_progress("")
    return _report(console, facts, diagnosis.diagnose(facts), accept, wanted.redis_url)


def _check_codes(accepted: Sequence[str], known: Collection[str]) -> None:
    """Check the codes of accepted findings.

    Raises:
        SettingsError: If no finding has one of these codes.

    """
    for code in accepted:
        if code not in known:
            raise SettingsError(f"there is no finding {code[:40]!a}: there are {', '.join(known)}")


def _chosen(areas: Sequence[str], known: Sequence[Area]) -> list[Area]:
    """Return the areas to examine.

    Raises:
        SettingsError: If no area has that name.

    """
    for area in areas:
        if area not in known:
            raise SettingsError(f"there is no area {area[:40]!a}: there are {', '.join(known)}")
    return [area for area in known if area in areas or not areas]


def _redis_url(console: Console, data: Path | None, *, is_named: bool) -> str | None:
    """Return the URL of Redis. Return None if the URL is unknown and the area isn't named, as on a proxy's machine.

    Raises:
        TickerError: If the area is named, and no URL is known.

    """
    try:
        return url_of_redis(console, data)
    except StoreError as error:
        if is_named:
            raise
        console.tell(f"Redis isn't examined: {error}")
        return None


def _check_named(areas: Sequence[str], *, site: str | None, parts: Sequence[str]) -> None:
    """Check that every area of the command line that needs an address has one.

    Raises:
        SettingsError: If one doesn't.

    """
    if "site" in areas and site is None:
        raise SettingsError("the area `site` needs --site: name the scheme and the host that readers use")
    if "parts" in areas and not parts:
        raise SettingsError("the area `parts` needs --part: name the address of each part")


def _report(
    console: Console, facts: Facts, findings: Sequence[Finding], accept: Sequence[str], redis_url: str | None
) -> int:
    """Print the findings, and return the exit status."""
    found = [finding for finding in findings if finding.code not in accept]
    accepted = [finding for finding in findings if finding.code in accept]
    status = UNSAFE if any(finding.severity.value != "hint" for finding in found) else 0
    if console.json:
        shown = None if redis_url is None else redact(redis_url)
        console.give({"redis": shown, "facts": facts, "findings": found, "accepted": accepted})
        return status
    for server in dict.fromkeys((each.software, each.version, each.topology) for each in facts.servers):
        software, version, topology = server
        name = software.value if software else "unknown"
        console.tell(f"{redact(redis_url or '')}  {name} {version or ''} ({topology.value})")
    _say(console, found, accepted)
    return status


def _say(console: Console, found: Sequence[Finding], accepted: Sequence[Finding]) -> None:
    """Print each finding with its meaning and its fix. The fix is indented, so that a shell accepts it."""
    indent = " " * _WIDTH
    for finding in found:
        word = finding.severity.value
        after = f"{' ' * (_WIDTH - len(word))}{finding.sentence}  [{finding.code}]"
        console.say(Styled(word, _STYLES[word], after))
        console.say(f"{indent}{finding.meaning}")
        for line in finding.fix.splitlines():
            console.say(f"{indent}  {line}")
    for finding in accepted:
        console.say(f"{'accepted':{_WIDTH}}{finding.sentence}  [{finding.code}]")
    if not found:
        console.say("nothing else was found" if accepted else "nothing was found")
