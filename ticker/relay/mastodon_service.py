"""The requests to an account on Mastodon, by Mastodon.py. See docs.joinmastodon.org/methods/statuses/."""

from __future__ import annotations

import html
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NoReturn, TypeVar
from urllib.parse import urlsplit

import mastodon as library
import requests
from urllib3.exceptions import NewConnectionError

from ticker.core.errors import SettingsError
from ticker.relay.addresses import BlockedError, resolve
from ticker.relay.posts import NotThereError, ServiceError
from ticker.relay.records import Failed, Refused
from ticker.relay.texts import inert_text, mark_of, shorten
from ticker.relay.threads import Threads

T = TypeVar("T")

TEXT_CHARS: Final = 500
"""The limit of most servers. A longer text asks its server for its own limit."""

KEYED_S: Final = 3_300.0
"""Mastodon remembers an Idempotency-Key for one hour. This is less, because clocks differ."""

PAGE: Final = 40
PAGES_MOST: Final = 10
_CLOCK_S: Final = 60.0
_TAG: Final = re.compile("<[^>]*>")


class MastodonService:
    """Posts statuses with the account's own visibility.

    Args:
        url: The server, such as https://mastodon.example.
        token: An access token with the scopes read:accounts, read:statuses and write:statuses.
        timeout_s: How long a request may take.
        allow_private: Whether the server may have an internal address.

    Raises:
        SettingsError: If the URL can't be used.

    """

    title = "Mastodon"
    can_find = True
    keyed_s = KEYED_S
    edit_erases = False  # readers can see the earlier texts of an edited status
    delete_s = None

    def __init__(self, url: str, token: str, *, timeout_s: float, allow_private: bool) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise SettingsError(
                f"{parts.hostname or 'a receiver'!a} isn't a Mastodon server: write it like "
                "mastodon:https://mastodon.example"
            )
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._host, self._port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        self._token = token
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._threads = Threads(timeout_s)
        self._local = threading.local()
        self._account: str | None = None
        self._text_chars = 0

    async def create(self, text: str, name: str, key: str, lang: str) -> str:
        """Post a status. A second one with the same key within an hour is the first one."""
        status = await self._fit(text)
        language = lang.partition("-")[0]
        return await self._call(
            lambda client: str(client.status_post(status, language=language, idempotency_key=key)["id"])
        )

    async def edit(self, ref: str, text: str) -> None:
        """Edit a status."""
        status = await self._fit(text)
        await self._call(lambda client: client.status_update(ref, status))

    async def delete(self, ref: str) -> None:
        """Delete a status, with the history of its edits."""
        await self._call(lambda client: client.status_delete(ref))

    async def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        """Look through the account's newest statuses."""
        if self._account is None:
            self._account = await self._call(lambda client: str(client.account_verify_credentials()["id"]))
        account, before = self._account, None
        for _ in range(PAGES_MOST):
            page = await self._call(
                lambda client, before=before: client.account_statuses(  # type: ignore[misc]
                    account, exclude_reblogs=True, max_id=before, limit=PAGE
                )
            )
            for status in page:
                if status["created_at"].timestamp() < since - _CLOCK_S:
                    return None
                if mark_of(html.unescape(_TAG.sub(" ", status["content"]))) in marks:
                    return str(status["id"])
            if not page:
                return None
            before = page[-1]["id"]
        return None

    async def close(self) -> None:
        """Stop after the running requests."""
        self._threads.close()

    async def _fit(self, text: str) -> str:
        inert = inert_text(text)
        if len(inert) <= TEXT_CHARS:
            return inert
        if not self._text_chars:
            self._text_chars = await self._call(
                lambda client: int(client.instance_v2()["configuration"]["statuses"]["max_characters"])
            )
        return shorten(inert, self._text_chars)

    async def _call(self, request: Callable[[library.Mastodon], T]) -> T:
        try:
            await resolve(self._host, self._port, allow_private=self._allow_private)
        except BlockedError as error:
            raise ServiceError(Failed(reason=str(error), is_unsent=True)) from error
        except OSError as error:
            reason = f"{self._host} can't be resolved ({error.strerror})"
            raise ServiceError(Failed(reason=reason, is_unsent=True)) from error

        def call() -> T:
            client = self._client()
            try:
                return request(client)
            except (library.MastodonError, KeyError, TypeError, ValueError) as error:
                _raise(error, client)

        return await self._threads.run(call)

    def _client(self) -> library.Mastodon:
        """Return this thread's client: neither a session nor a client may be shared."""
        client: library.Mastodon | None = getattr(self._local, "client", None)
        if client is None:
            session = requests.Session()
            session.trust_env = False
            session.max_redirects = 0  # a redirect would carry the text to another server
            client = self._local.client = library.Mastodon(
                access_token=self._token,
                api_base_url=self._url,
                ratelimit_method="throw",
                request_timeout=self._timeout_s,
                session=session,
                user_agent="ticker-relay",
            )
        return client


def _raise(error: Exception, client: library.Mastodon) -> NoReturn:
    """Raise the error of `ticker.relay.posts` for one of the library."""
    match error:
        case library.MastodonNotFoundError():
            raise NotThereError("Mastodon has no such status") from None
        case library.MastodonRatelimitError():
            wait = max(0.0, float(client.ratelimit_reset) - time.time())
            outcome = Failed(reason="Mastodon answered 429", retry_after_s=wait, is_unsent=True)
        case library.MastodonNetworkError():
            cause = error.__context__
            is_unsent = _never_connected(cause)
            word = "can't connect" if is_unsent else "the reply was lost"
            outcome = Failed(reason=f"{word} ({type(cause).__name__})", is_unsent=is_unsent)
        case library.MastodonServerError():
            outcome = Failed(reason=f"Mastodon answered {_status(error)}")
        case library.MastodonAPIError() if _status(error) in (401, 403):
            outcome = Failed(reason=f"Mastodon refuses the token or its scopes ({_status(error)})", is_unsent=True)
        case library.MastodonAPIError() if _status(error) == 422:
            raise ServiceError(Refused(reason="Mastodon refuses the text (422)")) from None
        case _:
            outcome = Failed(reason=f"the answer of Mastodon can't be read ({type(error).__name__})")
    raise ServiceError(outcome) from None


def _status(error: Exception) -> int:
    return error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else 0


def _never_connected(cause: BaseException | None) -> bool:
    if isinstance(cause, requests.ConnectTimeout):
        return True
    reason = getattr(cause.args[0], "reason", None) if cause is not None and cause.args else None
    return isinstance(cause, requests.ConnectionError) and isinstance(reason, NewConnectionError)
