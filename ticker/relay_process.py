"""`ticker relay` as a process: its routes, its metrics server and its signals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

import msgspec
import uvloop

from ticker.client.reading import TokenSource
from ticker.core.parts import Kind
from ticker.core.parts import Report as PartReport
from ticker.logs import set_up_logs
from ticker.relay.book import Limits
from ticker.relay.plan import Plan
from ticker.relay.records import Report
from ticker.relay.reports import RedisReports
from ticker.relay.route import Route, Source
from ticker.relay.state import StateFile, state_file
from ticker.relay.targets import TargetOptions, make_target, silence_libraries
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store.connection import connect
from ticker.store.parts import TIMEOUT_S, reporting


class Receiver(msgspec.Struct, frozen=True):
    """A receiver of the command line. Its address, and its secrets from `source`: see `TargetOptions`."""

    name: str
    address: str
    secrets: str
    source: str

    def __repr__(self) -> str:  # the address may contain a token, too
        return f"Receiver({self.name!r})"


class RelayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where. `folder` is for the state, `metrics` the address of the metrics server.

    `redis_url` is a Redis that gets the verdicts, for `tick reach`. `token` is for private editions.
    """

    receivers: Sequence[Receiver]
    editions: Sequence[str]
    gateway: str
    folder: Path
    allow_private: bool
    sends_board: bool
    metrics: tuple[str, int] | None
    redis_url: str | None = None
    token: TokenSource = None

    def __repr__(self) -> str:  # the token is a secret
        return f"RelayOptions({self.editions!r})"


def run(options: RelayOptions, settings: Settings, *, environ: Mapping[str, str], ready: Callable[[str], None]) -> None:
    """Run a relay until a signal ends it. `ready` is called once, with the URL of the metrics server or an empty text.

    Raises:
        TickerError: If an option can't be used, another relay uses the state, or the disk fails.

    """
    set_up_logs(environ)
    silence_libraries()
    uvloop.run(_run(options, settings, ready))


async def _run(options: RelayOptions, settings: Settings, ready: Callable[[str], None]) -> None:
    work = asyncio.create_task(_work(options, settings, ready), name="relay")
    stop_on_signals(work.cancel)
    with suppress(asyncio.CancelledError):
        await work


async def _work(options: RelayOptions, settings: Settings, ready: Callable[[str], None]) -> None:
    reports = None if options.redis_url is None else RedisReports(options.redis_url)
    report = _ignore if reports is None else reports.add
    async with AsyncExitStack() as stack:
        routes = [
            _route(options, settings, receiver, edition, stack.enter_context, report)
            for receiver in options.receivers
            for edition in options.editions
        ]
        if options.redis_url is not None:
            client = partial(connect, options.redis_url, role="relay", timeout_s=TIMEOUT_S)
            await stack.enter_async_context(reporting(client, Kind.RELAY, partial(_part_report, routes)))
        async with asyncio.TaskGroup() as tasks:
            url = ""
            if options.metrics is not None:
                from ticker.http_server import bind, serve, url_of  # noqa: PLC0415 -- not needed without metrics
                from ticker.relay.metrics import make_app  # noqa: PLC0415

                bound = bind(*options.metrics, option="--metrics")
                url = url_of(bound)
                tasks.create_task(serve(make_app(routes), bound), name="metrics")
            if reports is not None:
                tasks.create_task(reports.run(), name="reports")
            for route in routes:
                tasks.create_task(route.run(), name=f"{route.receiver}.{route.edition}")
            ready(url)


def _part_report(routes: Sequence[Route]) -> PartReport:
    """Return the relay's report for the status page, without names and addresses of receivers."""
    return PartReport(
        waiting=sum(route.plan.pending for route in routes),
        given_up=sum(route.plan.parked for route in routes),
        disabled=sum(route.plan.state.disabled is not None for route in routes),
    )


def _route(
    options: RelayOptions,
    settings: Settings,
    receiver: Receiver,
    edition: str,
    opened: Callable[[StateFile], StateFile],
    report: Callable[[str, str, Report], None],
) -> Route:
    target, settle_s = make_target(
        TargetOptions(
            address=receiver.address,
            secrets=receiver.secrets,
            source=receiver.source,
            timeout_s=settings.relay_timeout_s,
            allow_private=options.allow_private,
        )
    )
    state = opened(StateFile(state_file(options.folder, receiver.name, edition)))
    stored, records = state.load()
    limits = limits_of(settings, sends_board=options.sends_board)
    if settle_s:  # a service shows posts in the order of their arrival, so that one follows the other
        limits = msgspec.structs.replace(limits, parallel=1, settle_s=settle_s)
    plan = Plan(limits, stored, records)
    source = Source(options.gateway, options.token)
    return Route(receiver.name, edition, source, plan, state, target, report)


def _ignore(receiver: str, edition: str, report: Report) -> None:
    """Report a verdict to nobody: it is in the log and in the state."""


def limits_of(settings: Settings, *, sends_board: bool = True) -> Limits:
    """Return the limits of a route."""
    return Limits(
        lines=settings.relay_lines,
        pending=settings.relay_pending,
        parallel=settings.relay_parallel,
        retry_most_s=settings.relay_retry_s,
        urgent_most_s=min(settings.relay_retry_s, Limits().urgent_most_s),
        give_up_s=settings.relay_give_up_s,
        sends_board=sends_board,
    )
