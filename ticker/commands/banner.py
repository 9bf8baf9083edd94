"""The banner of `ticker up` on a terminal: commands to paste into another terminal."""

from __future__ import annotations

import os
import shlex
import shutil
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ticker.core.edition import Edition
from ticker.store.data_folder import default_data_folder
from ticker.store.login import login_file
from ticker.store.url import redact
from ticker.web.demo_article import editions_by_language

_DEFAULT_GATEWAY: Final = "http://127.0.0.1:8080"

# None of them is like a line of the demo, or the desk would refuse it as a duplicate.
_TEXTS: Final = {
    "en": "Mountain rescue: All hikers are safe after the night in the snow",
    "ar": "فرق الإنقاذ: جميع المتسلقين بخير بعد ليلة في الثلج",
    "es": "Rescate de montaña: Todos los excursionistas están a salvo tras la noche en la nieve",
}


class Place(msgspec.Struct, frozen=True):
    """The variable or the options with which `tick` in another terminal finds this system."""

    url: str | None = None
    options: tuple[str, ...] = ()
    note: str = ""
    """A hint about the credentials that the other terminal needs too. The banner doesn't print them."""


def find_place(environ: Mapping[str, str], data: Path) -> Place:
    """Return what `tick` needs in another terminal of the same user, where no variables are set.

    `data` is the data folder of this system. If TICKER_REDIS_URL is set, that Redis is used instead.
    """
    url = environ.get("TICKER_REDIS_URL")
    if not url:
        other = {name: value for name, value in environ.items() if name != "TICKER_DATA"}
        # After `tick login`, a `tick` without --data uses the Redis of that login.
        is_default = data.absolute() == default_data_folder(other).absolute() and not login_file(other).exists()
        return Place() if is_default else Place(options=("--data", str(data.absolute())))
    has_password = any(environ.get(f"TICKER_REDIS_PASSWORD{end}") for end in ("", "_FILE"))
    if has_password or redact(url) != url:
        return Place(note=" with the same TICKER_REDIS_URL and password")
    return Place(url=url)


def tick_program() -> str:
    """Return how to call the `tick` of this installation from any folder."""
    ours = Path(sysconfig.get_path("scripts"), "tick")
    on_path = shutil.which("tick")
    # An activated environment is only on the PATH of this terminal.
    if on_path is not None and "VIRTUAL_ENV" not in os.environ and Path(on_path).resolve() == ours.resolve():
        return "tick"
    return str(ours)


def banner(url: str, editions: Mapping[str, Edition], tick: str, place: Place, *, demo: bool = False) -> Iterator[str]:
    """Yield the lines to print. `url` is the gateway's, `tick` the program of `tick_program`.

    With `demo`, they name the made-up article.
    """
    address = _reachable(url)
    name = next(iter(editions))
    gateway = () if _finds_gateway(address, place) else ("--gateway", address)
    yield ""
    yield "Open in a browser:"
    yield f"  {address}/"
    if demo and editions_by_language(editions.items()):
        yield f"  {address}/demo/article"
    yield f"In a second terminal{place.note}, post a line, watch the edition, or open the terminal application:"
    text = _TEXTS.get(editions[name].lang.partition("-")[0])
    if text is not None:
        yield f"  {_command(tick, place, 'post', text, '-e', name)}"
    yield f"  {_command(tick, place, 'watch', '-e', name, *gateway)}"
    yield f"  {_command(tick, place, *(('desk',) if place.options else ()))}"
    yield "Ctrl-C ends this system. Every published line shows below."
    yield ""


def _command(tick: str, place: Place, *words: str) -> str:
    """Return a command line that means the same in every shell."""
    command = shlex.join([tick, *words, *place.options])
    return command if place.url is None else f"TICKER_REDIS_URL={shlex.quote(place.url)} {command}"


def _finds_gateway(address: str, place: Place) -> bool:
    """Whether `tick watch` finds the gateway: by its address in the data folder, or by the default."""
    return (place.url is None and not place.note) or address == _DEFAULT_GATEWAY


def _reachable(url: str) -> str:
    """Return the URL for this machine. For a gateway that listens on all addresses, that is the loopback address."""
    parts = urlsplit(url)
    loopback = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(parts.hostname or "")  # noqa: S104 -- compared, not bound
    return url if loopback is None else f"{parts.scheme}://{loopback}:{parts.port}"
