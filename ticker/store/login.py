"""The login of `tick`: the Redis URL and the password that `tick login` stores for an editor's commands.

```
<folder>/         TICKER_CONFIG, or the platform's folder for a user's configuration
  login.json      0600: the URL, and the password if no keyring keeps it
  edition         the edition that was used last
```

The password is in the system's keyring if there is one. `keyring` is an extra, and importing it takes a tenth of a
second: only a login that uses it imports it. This module doesn't import the Redis client.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from ticker.core.errors import UNREADABLE, SettingsError
from ticker.store.url import redact, with_password

SERVICE: Final = "breaking-ticker"
"""The name of our passwords in the keyring. The account is the URL."""

_OTHERS: Final = 0o077


class Login(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stored login. `url` is without the password. If `in_keyring`, the keyring has it, and `password` is None."""

    url: str
    password: str | None = None
    in_keyring: bool = False

    def __repr__(self) -> str:
        return f"Login({redact(self.url)})"


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return `TICKER_CONFIG`, or else the platform's folder for a user's configuration. It may not exist."""
    if chosen := environ.get("TICKER_CONFIG"):
        return Path(chosen).expanduser()
    import platformdirs  # noqa: PLC0415 -- not needed if TICKER_CONFIG is set

    return platformdirs.user_config_path("ticker")


def login_file(environ: Mapping[str, str]) -> Path:
    return config_folder(environ) / "login.json"


def load_login(environ: Mapping[str, str]) -> Login | None:
    """Return the stored login, or None if nothing is stored. It may lack its password: see `url_of`.

    Raises:
        SettingsError: If the file can't be read, or if other users may read it.

    """
    path = login_file(environ)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SettingsError(f"the login in {path} can't be read: {error.strerror}") from error
    if mode & _OTHERS:
        raise SettingsError(
            f"other users may read the login in {path}: change the password, then run `tick login` again"
        )
    try:
        return msgspec.json.decode(text, type=Login)
    except UNREADABLE:  # not the cause: it could quote the password
        raise SettingsError(f"the login in {path} is damaged: run `tick login` again") from None


def url_of(login: Login) -> str:
    """Return the URL of a login, with its password.

    Raises:
        SettingsError: If the keyring doesn't have the password.

    """
    return with_password(login.url, _from_keyring(login.url) if login.in_keyring else login.password)


def save_login(environ: Mapping[str, str], url: str, password: str | None, *, wants_file: bool) -> Login:
    """Store a login, and replace the one before: the password in the keyring if possible, or else in the file.

    With `wants_file`, the keyring isn't used.

    Raises:
        SettingsError: If the file can't be written.

    """
    with suppress(SettingsError):
        delete_login(environ)
    is_in_keyring = password is not None and not wants_file and _put_into_keyring(url, password)
    login = Login(url, None if is_in_keyring else password, is_in_keyring)
    path = login_file(environ)
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(login))
        draft.replace(path)
    except OSError as error:
        raise SettingsError(f"the login can't be stored in {path}: {error.strerror}") from error
    return login


def delete_login(environ: Mapping[str, str]) -> bool:
    """Delete the stored login, also from the keyring. Return whether a login was stored.

    Raises:
        SettingsError: If the file can't be deleted.

    """
    path = login_file(environ)
    try:
        login = load_login(environ)
    except SettingsError:
        login = None
    if login is not None and login.in_keyring:
        _delete_from_keyring(login.url)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SettingsError(f"the login in {path} can't be deleted: {error.strerror}") from error
    return True


def load_last_edition(environ: Mapping[str, str]) -> str | None:
    """Return the name of the edition that was used last on a terminal, or None."""
    try:
        return _edition_file(environ).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def save_last_edition(environ: Mapping[str, str], name: str) -> None:
    """Remember the edition that was used last. If that fails, the next `tick` opens another one."""
    path = _edition_file(environ)
    if load_last_edition(environ) != name:
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(f"{name}\n", encoding="utf-8")


def _edition_file(environ: Mapping[str, str]) -> Path:
    return config_folder(environ) / "edition"


def _keyring() -> Any | None:
    """Return the module `keyring`, or None if it isn't installed."""
    try:
        return import_module("keyring")
    except ImportError:
        return None


def _put_into_keyring(url: str, password: str) -> bool:
    """Store a password. Return False without a keyring that can store it."""
    keyring = _keyring()
    if keyring is None:
        return False
    try:
        keyring.set_password(SERVICE, url, password)
        kept: str | None = keyring.get_password(SERVICE, url)
    except Exception:  # noqa: BLE001 -- backends raise errors of their own, such as D-Bus's
        return False
    return kept == password


def _from_keyring(url: str) -> str:
    keyring = _keyring()
    reason = "the package keyring isn't installed"
    if keyring is not None:
        try:
            password: str | None = keyring.get_password(SERVICE, url)
        except Exception as error:  # noqa: BLE001 -- as above
            reason = f"it can't be read ({type(error).__name__})"
        else:
            if password is not None:
                return password
            reason = "it has no such password"
    raise SettingsError(f"the password of {redact(url)} isn't in the keyring: {reason}; run `tick login` again")


def _delete_from_keyring(url: str) -> None:
    keyring = _keyring()
    if keyring is not None:
        with suppress(Exception):  # it may be gone already, or locked
            keyring.delete_password(SERVICE, url)
