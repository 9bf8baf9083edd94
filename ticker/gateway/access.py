"""Private editions: only readers with a JSON Web Token for the edition get an answer.

A token comes in `Authorization: Bearer` (RFC 6750), or as a subprotocol of a WebSocket. Browsers let no page set other
headers of a WebSocket. A query would end up in the logs of proxies, in histories and in error reports.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ticker.core.errors import SettingsError
from ticker.gateway.admission import RETRY_S, Refusal
from ticker.gateway.request_head import Headers

if TYPE_CHECKING:
    from ticker.gateway.tokens import KeyRing

SUBPROTOCOL_PREFIX: Final = "ticker.token."
"""The beginning of the subprotocol in which a browser's WebSocket sends the token, beside `ticker.v1`.

The characters of a token are all allowed there. The gateway never confirms this subprotocol, so no response has it.
"""
_DETAILS: Final = {
    "token-invalid": "the token is not valid here: get a new one",
    "token-expired": "the token has expired: get a new one",
    "token-edition": "the token is for another edition: its `aud` must have the name of this one",
}


def token_of(headers: Headers) -> str | None:
    """Return the token of a request, or None if the request lacks one."""
    scheme, _, token = (headers.one(b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = headers.tokens(b"sec-websocket-protocol")
    return next(
        (each.removeprefix(SUBPROTOCOL_PREFIX) for each in offered if each.startswith(SUBPROTOCOL_PREFIX)), None
    )


class Access:
    """Checks the tokens of requests for private editions. Without keys, it refuses all of them."""

    def __init__(self, keys_file: str | None, refused: Counter[str]) -> None:
        """Read the keys, if there is a file. `refused` counts refusals by code, for the metrics.

        Raises:
            SettingsError: If the file can't be used, or the library isn't installed.

        """
        self._keys = None if keys_file is None else _load(Path(keys_file))
        self._refused = refused

    @property
    def has_keys(self) -> bool:
        """Whether any token can be valid."""
        return self._keys is not None

    def check(self, edition: str, headers: Headers) -> int:
        """Check the token of a request for a private edition. Return the time until which it counts, in Unix time.

        Raises:
            Refusal: 401 without a valid token, 403 for a token of another edition, 503 without keys.

        """
        try:
            return self._check(edition, headers)
        except Refusal as refusal:
            self._refused[refusal.code] += 1
            raise

    def allows(self, edition: str, headers: Headers) -> bool:
        """Return whether a request may learn that a private edition exists."""
        try:
            self._check(edition, headers)
        except Refusal:
            return False
        return True

    def _check(self, edition: str, headers: Headers) -> int:
        if self._keys is None:
            raise Refusal(503, "no-keys", "this gateway has no keys to check tokens with: tell its operator", RETRY_S)
        token = token_of(headers)
        if token is None:
            raise Refusal(401, "token", "this edition is private: send a token in `Authorization: Bearer`")
        from ticker.gateway.tokens import TokenError  # noqa: PLC0415 -- loaded only with keys

        try:
            return self._keys.verify(token, edition)
        except TokenError as error:
            code = error.fault.value
            raise Refusal(403 if code == "token-edition" else 401, code, _DETAILS[code]) from None


def _load(path: Path) -> KeyRing:
    try:
        from ticker.gateway.tokens import KeyRing, read_keys  # noqa: PLC0415 -- slow to import, and optional
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} isn't installed: access_keys_file needs the extra `private` of the package"
        ) from error
    return KeyRing(read_keys(path))
