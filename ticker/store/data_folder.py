"""Where the embedded server keeps its files, and how a second process finds it.

```
<data>/                 0700
  lock                  held by the process that runs the server, for its life; its pid is in it
  redis.url             the server's address, while it runs
  gateway.url           where `ticker up` serves, while it runs
  redis.log
  redis/                0700: the append-only file
  redis.lock            held by the server process itself, so that one that was left alone is noticed
<temporary>/ticker-…/   0700
  redis.sock
```

Nothing here imports the Redis client: `tick` pays for every import.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from ticker.core.errors import StoreError

SOCKET_PATH_BYTES: Final = 103
"""The longest path of a Unix socket that works everywhere: macOS holds 103 bytes, Linux 107."""

_SCHEME = "unix://"


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """`TICKER_DATA`, else the platform's folder for a user's data. It need not exist."""
    if chosen := environ.get("TICKER_DATA"):
        return Path(chosen).expanduser()
    import platformdirs  # noqa: PLC0415 -- takes milliseconds that a set TICKER_DATA saves

    return platformdirs.user_data_path("ticker")


def lock_file(data: Path) -> Path:
    return data / "lock"


def address_file(data: Path) -> Path:
    return data / "redis.url"


def gateway_file(data: Path) -> Path:
    return data / "gateway.url"


def server_log(data: Path) -> Path:
    return data / "redis.log"


def server_folder(data: Path) -> Path:
    return data / "redis"


def server_lock_file(data: Path) -> Path:
    return data / "redis.lock"


def embedded_url(data: Path) -> str:
    """The address of the embedded server that keeps its files in `data`, for another process than the one that runs it.

    After a crash it may name a server that is gone: only connecting tells.

    Raises:
        StoreError: If no server runs there, or its address can't be read.

    """
    path = address_file(data)
    try:
        url = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise StoreError(
            f"no embedded server runs in the data folder {data}: start it with `ticker up`, "
            "name its folder with --data or TICKER_DATA, or name another server with TICKER_REDIS_URL"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(
            f"the embedded server's address in {path} can't be read ({error}): "
            "run this command as the user who runs `ticker up`"
        ) from error
    if not url.startswith(_SCHEME):
        raise StoreError(f"{path} holds no address of an embedded server: start it again with `ticker up`")
    return url


def redis_url(environ: Mapping[str, str], data: Path) -> str:
    """The address of Redis: `TICKER_REDIS_URL`, else that of the embedded server in `data`.

    Raises:
        StoreError: If there is neither.

    """
    return environ.get("TICKER_REDIS_URL") or embedded_url(data)


def gateway_url(data: Path) -> str | None:
    """Where the gateway of `ticker up` on this data folder serves; None where there is none, or it can't be read.

    After a crash it may name a gateway that is gone: only connecting tells.
    """
    try:
        url = gateway_file(data).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return url if url.startswith(("http://", "https://")) else None


def socket_url(socket: Path) -> str:
    return _SCHEME + quote(str(socket))


def socket_path(url: str) -> Path:
    """The inverse of `socket_url`."""
    return Path(unquote(url.removeprefix(_SCHEME)))


def write_address(data: Path, socket: Path) -> None:
    _write_whole(address_file(data), socket_url(socket))


def write_gateway_address(data: Path, url: str) -> None:
    _write_whole(gateway_file(data), url)


def _write_whole(path: Path, line: str) -> None:
    """Whole or not at all: a `tick` that starts at this moment must not read half an address."""
    draft = path.with_suffix(".new")
    draft.write_text(line + "\n", encoding="utf-8")
    draft.replace(path)


def make_socket_folder() -> Path:
    """Make a new folder, ours alone (0700), whose path is short enough for a Unix socket. The caller removes it.

    Not XDG_RUNTIME_DIR: it is removed when its user logs out, while a `ticker up` left running goes on.

    Raises:
        StoreError: If there is no such folder to be had.

    """
    refused: list[str] = []
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp")):  # noqa: S108 -- mkdtemp makes a private folder in it
        # Eight characters are what mkdtemp puts at the end.
        if len(os.fsencode(socket_in(Path(parent, "ticker-12345678")))) > SOCKET_PATH_BYTES:
            refused.append(f"{parent}: too long")
            continue
        try:
            return Path(tempfile.mkdtemp(prefix="ticker-", dir=parent))
        except OSError as error:
            refused.append(f"{parent}: {error.strerror}")
    raise StoreError(
        f"no folder for the embedded server's socket ({'; '.join(refused)}): "
        f"set TMPDIR to a folder that can be written and whose path has at most {SOCKET_PATH_BYTES - 27} bytes"
    )


def socket_in(folder: Path) -> Path:
    return folder / "redis.sock"


def remove_socket_folder(folder: Path) -> None:
    """Remove what `make_socket_folder` made, and the socket in it. A folder with anything else in it stays."""
    try:
        socket_in(folder).unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        # Left over at worst: an empty private folder, which the system's own cleaning takes.
        return
