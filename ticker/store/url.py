"""Redis URLs: parse them, add a password from the environment, and redact them for messages.

| URL | |
| --- | --- |
| `redis://[user:password@]host[:port][/db]` | TCP |
| `rediss://…` | TCP with TLS |
| `unix://[user:password@]/path/to/socket[?db=0]` | Unix socket |
| `redis+sentinel://[user:password@]host[:port],…/service[?db=0&sentinel_username=…&sentinel_password=…]` | Sentinel |
| `redis+cluster://[user:password@]host[:port],…` | Cluster |
| `rediss+sentinel://…`, `rediss+cluster://…` | the same with TLS, also to the Sentinels |

TLS options go in the query, with redis-py's names: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` (files),
`ssl_cert_reqs` (`required`, `none`), `ssl_check_hostname` (`yes`, `no`). All other query parameters are rejected:
redis-py has parameters that would enable its own retries.

In a user or password, each of `@ : / ? # [ ] %` and space must be percent-encoded. Ambiguous URLs (with a second `@`,
or with a `/` in the password) are rejected: redaction could not be sure to remove the whole password.

This module doesn't import the Redis client, which takes a tenth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from ticker.core.errors import SettingsError

REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
PORT_MAX: Final = 65_535


class Kind(Enum):
    """How the server is reached."""

    SINGLE = "single"
    UNIX = "unix"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


_SCHEMES: Final[Mapping[str, tuple[Kind, bool]]] = {
    "redis": (Kind.SINGLE, False),
    "rediss": (Kind.SINGLE, True),
    "unix": (Kind.UNIX, False),
    "redis+sentinel": (Kind.SENTINEL, False),
    "rediss+sentinel": (Kind.SENTINEL, True),
    "redis+cluster": (Kind.CLUSTER, False),
    "rediss+cluster": (Kind.CLUSTER, True),
}
_FORMS: Final[Mapping[Kind, str]] = {
    Kind.SINGLE: "{}://[user:password@]host[:port][/db]",
    Kind.UNIX: "{}://[user:password@]/path/to/socket[?db=0]",
    Kind.SENTINEL: "{}://[user:password@]host[:port],host[:port]/service",
    Kind.CLUSTER: "{}://[user:password@]host[:port],host[:port]",
}
TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_CHOICES: Final[Mapping[str, Mapping[str, object]]] = {
    "ssl_cert_reqs": {"required": "required", "none": "none"},
    "ssl_check_hostname": {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False},
}

_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?"
_URL: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z+]{0,19})://"
    r"(?P<credentials>(?P<user>[^@:/?#\[\]\s]*)(?::(?P<password>[^@/?#\[\]\s]*))?@)?"
    rf"(?P<hosts>{_HOST}(?:,{_HOST})*)?"
    r"(?P<path>/[^@?#\s]*)?"
    r"(?:\?(?P<query>[^@?#\s]*))?"
)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed Redis URL. Its `repr` is the redacted URL, so it never shows a password."""

    kind: Kind
    shown: str
    nodes: tuple[tuple[str, int], ...] = ()
    path: str = ""
    service: str = ""
    db: int = 0
    credentials: Mapping[str, str] = {}
    sentinel_credentials: Mapping[str, str] = {}
    tls: Mapping[str, object] | None = None
    """Arguments for redis-py's TLS connections, or None for a connection without TLS."""

    def __repr__(self) -> str:
        return f"Target({self.shown})"


def redact(url: str) -> str:
    """Return the URL for logs and messages: without user, password and query.

    If the URL can't be parsed, only a known scheme is shown: any other part could be a password.
    """
    match = _URL.fullmatch(url)
    scheme = url.partition("://")[0].lower()
    if match is None or scheme not in _SCHEMES:
        return f"{scheme}://…" if scheme in _SCHEMES else "…"
    credentials = "***@" if match["credentials"] else ""
    query = "?…" if match["query"] else ""
    return f"{scheme}://{credentials}{match['hosts'] or ''}{match['path'] or ''}{query}"


def password_from(environ: Mapping[str, str], variable: str = "TICKER_REDIS_PASSWORD") -> str | None:
    """Return the password in `variable`, or in the file that `<variable>_FILE` names, or None if neither is set.

    Newlines at the end of the file are ignored, because editors and `echo` add one.

    Raises:
        SettingsError: If both variables are set, or the file can't be read or is empty.

    """
    password, path = environ.get(variable), environ.get(f"{variable}_FILE")
    if password and path:
        raise SettingsError(f"{variable} and {variable}_FILE are both set: unset one of them")
    if not path:
        return password or None
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        # Not the text of the error: a decoding error quotes the file's bytes.
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"{variable}_FILE: {path} can't be read: {reason}") from None
    if not text:
        raise SettingsError(f"{variable}_FILE: {path} is empty: put the password in it")
    return text


def with_password(url: str, password: str | None) -> str:
    """Return the URL with `password` added, unless it already has one.

    A URL that can't be parsed is returned unchanged; `parse_url` rejects it.
    """
    match = _URL.fullmatch(url)
    if password is None or match is None or match["password"]:
        return url
    hosts = match.start("hosts") if match["hosts"] else match.end("credentials")
    start = hosts if hosts > 0 else url.index("://") + 3
    return f"{match['scheme']}://{match['user'] or ''}:{quote(password, safe='')}@{url[start:]}"


def split_password(url: str) -> tuple[str, str | None]:
    """Return the URL without its password, and the password: None for a URL without one."""
    match = _URL.fullmatch(url)
    if match is None or not match["password"]:
        return url, None
    return url[: match.start("password") - 1] + url[match.end("password") :], unquote(match["password"])


def parse_url(url: str) -> Target:
    """Parse a URL of one of the forms above.

    Raises:
        SettingsError: If the URL can't be used. The message never contains a user, a password or a query value. The
            error's cause is removed, because the standard library's errors quote the text that they couldn't parse.

    """
    scheme = url.partition("://")[0].lower()
    if scheme not in _SCHEMES:
        raise SettingsError(f"the Redis URL has no known scheme: it must start with one of {_listed(_SCHEMES)}://")
    kind, tls = _SCHEMES[scheme]
    match = _URL.fullmatch(url)
    if match is None or bool(match["hosts"]) == (kind is Kind.UNIX):
        raise _unreadable(scheme, kind)
    path, shown = match["path"] or "", redact(url)
    query = _parse_query(match["query"] or "", _allowed_parameters(kind, tls=tls), shown)
    return Target(
        kind=kind,
        shown=shown,
        nodes=_parse_nodes(match["hosts"] or "", kind, shown),
        path=_parse_path(path, scheme) if kind is Kind.UNIX else "",
        service=_parse_service(path, scheme) if kind is Kind.SENTINEL else "",
        db=_parse_db(path, query, kind, shown),
        credentials=_credentials(unquote(match["user"] or ""), unquote(match["password"] or "")),
        sentinel_credentials=_credentials(query.get("sentinel_username"), query.get("sentinel_password")),
        tls=_parse_tls(query, shown) if tls else None,
    )


def check_files(target: Target) -> None:
    """Check that the files of the TLS options exist.

    Raises:
        SettingsError: If one doesn't. Without this, the error would not name it.

    """
    for name in TLS_FILES:
        path = str((target.tls or {}).get(name, ""))
        if path and not Path(path).is_file():
            raise SettingsError(f"the Redis URL {target.shown} names a file in {name} that doesn't exist: {path}")


def _unreadable(scheme: str, kind: Kind) -> SettingsError:
    form = _FORMS[kind].format(scheme)
    return SettingsError(
        f"the Redis URL {scheme}://… can't be parsed: its form is {form}, "
        "and in its user and password each of @ : / ? # [ ] % and space must be percent-encoded (@ is %40)"
    )


def _parse_nodes(hosts: str, kind: Kind, shown: str) -> tuple[tuple[str, int], ...]:
    default = SENTINEL_PORT if kind is Kind.SENTINEL else REDIS_PORT
    nodes = tuple(_parse_node(host, default, shown) for host in hosts.split(",") if host)
    if kind is Kind.SINGLE and len(nodes) > 1:
        raise SettingsError(
            f"the Redis URL {shown} names {len(nodes)} hosts: name one, or use redis+sentinel:// or redis+cluster://"
        )
    return nodes


def _parse_node(text: str, default: int, shown: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or text.endswith("]"):
        host, port = text, str(default)
    if not 1 <= int(port) <= PORT_MAX:
        raise SettingsError(f"the Redis URL {shown} has port {port}: a port is a number from 1 to {PORT_MAX}")
    return host.strip("[]"), int(port)


def _parse_path(path: str, scheme: str) -> str:
    socket = unquote(path)
    if not socket.strip("/"):
        raise _unreadable(scheme, Kind.UNIX)
    return socket


def _parse_service(path: str, scheme: str) -> str:
    service = unquote(path).strip("/")
    if not service:
        raise SettingsError(
            f"the Redis URL {scheme}://… names no service: put the service's name after the hosts, as in "
            f"{scheme}://host:26379/mymaster"
        )
    return service


def _parse_db(path: str, query: Mapping[str, str], kind: Kind, shown: str) -> int:
    text = query.get("db") or (path.strip("/") if kind in {Kind.SINGLE, Kind.CLUSTER} else "") or "0"
    if not re.fullmatch(r"[0-9]{1,5}", text, re.ASCII):
        raise SettingsError(f"the Redis URL {shown} has a database that is no number: leave it out for database 0")
    if kind is Kind.CLUSTER and int(text):
        raise SettingsError(
            f"the Redis URL {shown} has database {int(text)}: a Cluster has only database 0, leave it out"
        )
    return int(text)


def _allowed_parameters(kind: Kind, *, tls: bool) -> tuple[str, ...]:
    db = () if kind is Kind.CLUSTER else ("db",)
    sentinel = ("sentinel_username", "sentinel_password") if kind is Kind.SENTINEL else ()
    return (*db, *sentinel, *((*TLS_FILES, *_TLS_CHOICES) if tls else ()))


def _parse_query(text: str, allowed: tuple[str, ...], shown: str) -> Mapping[str, str]:
    pairs = parse_qsl(text, keep_blank_values=True)
    if len({name for name, _ in pairs if name in allowed}) == len(pairs):
        return dict(pairs)
    # The message doesn't name the parameter: it may be the end of a password that contains a `?`.
    remedy = f"allowed are {_listed(allowed)}, each once" if allowed else "none is allowed"
    raise SettingsError(f"the Redis URL {shown} has an unknown parameter after the ?: {remedy}")


def _parse_tls(query: Mapping[str, str], shown: str) -> Mapping[str, object]:
    options: dict[str, object] = {name: query[name] for name in TLS_FILES if name in query}
    for name, choices in _TLS_CHOICES.items():
        if name not in query:
            continue
        if query[name].lower() not in choices:
            raise SettingsError(f"the Redis URL {shown} has an unknown {name}: use one of {_listed(choices)}")
        options[name] = choices[query[name].lower()]
    return options


def _credentials(user: str | None, password: str | None) -> Mapping[str, str]:
    return {name: value for name, value in (("username", user), ("password", password)) if value}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
