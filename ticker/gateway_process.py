"""`ticker gateway` as a process: the gateway, its web application and its signals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import uvloop

from ticker import __version__
from ticker.gateway.server import Address, Gateway
from ticker.logs import set_up_logs
from ticker.settings import Settings
from ticker.signals import stop_on_signals
from ticker.store.url import parse_url
from ticker.web.app import make_app


def run(
    url: str,
    settings: Settings,
    *,
    host: str,
    port: int,
    shared: bool,
    environ: Mapping[str, str],
    ready: Callable[[str], None],
) -> None:
    """Run a gateway until a signal ends it.

    `shared` lets other processes bind the same port. `ready` is called once, with the gateway's URL.

    Raises:
        TickerError: If a setting or the URL can't be used, or the port can't be bound.

    """
    set_up_logs(environ)
    parse_url(url)  # an invalid URL never becomes valid: fail now, before the feeds start to retry
    uvloop.run(_run(url, settings, Address(host, port, shared), ready))


async def _run(url: str, settings: Settings, address: Address, ready: Callable[[str], None]) -> None:
    gateway = Gateway(url, settings, address, partial(make_app, version=__version__))
    stop_on_signals(gateway.stop)
    await gateway.run(lambda: ready(gateway.address))
