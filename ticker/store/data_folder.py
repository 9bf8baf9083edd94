"""The data folder of `ticker up`: the embedded server's files, and its address for other processes.

```
<data>/                 0700
  lock                  locked by `ticker up` while it runs; contains its pid
  redis.url             the server's address, while it runs
  gateway.url           the gateway's address, while it runs
  redis.log
  redis/                0700: the append-only file
  redis.lock            locked by the server process itself, so that an orphan is noticed
  server.json           the server program that wrote redis/, with its version
<temporary>/ticker-…/   0700
  redis.sock
```

This module must not import the Redis client, because it would slow down the start of `tick`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from ticker.core.errors import StoreError

SOCKET_PATH_BYTES: Final = 103
"""The longest path of a Unix socket on all platforms: 103 bytes on macOS, 107 on Linux."""

_SCHEME = "unix://"


def default_data_folder(environ: Mapping[str, str]) -> Path:
    """Return `TICKER_DATA`, or else the platform's folder for user data. The folder may not exist."""
    if chosen := environ.get("TICKER_DATA"):
        return Path(chosen).expanduser()
    import platformdirs  # noqa: PLC0415 -- not needed if TICKER_DATA is set

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


def program_file(data: Path) -> Path:
    return data / "server.json"


def embedded_url(data: Path) -> str:
    """Return the URL of the embedded server with its files in `data`, as written by the process that runs it.

    After a crash, the URL may be that of a server that no longer runs.

    Raises:
        StoreError: If no server runs there, or its URL can't be read.

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
        raise StoreError(f"{path} doesn't contain the address of an embedded server: start it again with `ticker up`")
    return url


def redis_url(environ: Mapping[str, str], data: Path) -> str:
    """Return the URL of Redis: `TICKER_REDIS_URL`, or else that of the embedded server in `data`.

    Raises:
        StoreError: If there is neither.

    """
    return environ.get("TICKER_REDIS_URL") or embedded_url(data)


def gateway_url(data: Path) -> str | None:
    """Return the URL of the gateway of `ticker up` with this data folder. Return None if the URL can't be read.

    After a crash, the URL may be that of a gateway that no longer runs.
    """
    try:
        url = gateway_file(data).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return url if url.startswith(("http://", "https://")) else None


def socket_url(socket: Path) -> str:
    return _SCHEME + quote(str(socket))


def socket_path(url: str) -> Path:
    """Return the path of the socket in a URL from `socket_url`."""
    return Path(unquote(url.removeprefix(_SCHEME)))


def write_address(data: Path, socket: Path) -> None:
    _write_whole(address_file(data), socket_url(socket))


def write_gateway_address(data: Path, url: str) -> None:
    _write_whole(gateway_file(data), url)


def write_program(data: Path, record: str) -> None:
    _write_whole(program_file(data), record)


def _write_whole(path: Path, line: str) -> None:
    """Write the file atomically: a `tick` that starts meanwhile must not read half an address."""
    draft = path.with_suffix(".new")
    draft.write_text(line + "\n", encoding="utf-8")
    draft.replace(path)


def make_socket_folder() -> Path:
    """Create a private folder (0700) whose path is short enough for a Unix socket. The caller removes it.

    It isn't in XDG_RUNTIME_DIR, which is removed when the user logs out, while `ticker up` may keep running.

    Raises:
        StoreError: If no such folder can be created.

    """
    import tempfile  # noqa: PLC0415 -- slow to import, and only `ticker up` needs it

    refused: list[str] = []
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp")):  # noqa: S108 -- mkdtemp makes a private folder in it
        # mkdtemp appends eight characters.
        if len(os.fsencode(socket_in(Path(parent, "ticker-12345678")))) > SOCKET_PATH_BYTES:
            refused.append(f"{parent}: too long")
            continue
        try:
            return Path(tempfile.mkdtemp(prefix="ticker-", dir=parent))
        except OSError as error:
            refused.append(f"{parent}: {error.strerror}")
    raise StoreError(
        f"the folder for the embedded server's socket can't be created ({'; '.join(refused)}): "
        f"set TMPDIR to a writable folder whose path has at most {SOCKET_PATH_BYTES - 27} bytes"
    )


def socket_in(folder: Path) -> Path:
    return folder / "redis.sock"


def remove_socket_folder(folder: Path) -> None:
    """Remove a folder from `make_socket_folder` and its socket. A folder with other files is kept."""
    try:
        socket_in(folder).unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        # At worst, an empty private folder is left in the temporary folder.
        return
