"""The requests to a channel of Slack, by slack_sdk. See docs.slack.dev/reference/methods/."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.error
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, TypeVar

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from ticker.relay.posts import NotAllowedError, NotThereError, ServiceError
from ticker.relay.records import Failed, Refused
from ticker.relay.texts import shorten
from ticker.relay.threads import Threads

T = TypeVar("T")

EVENT: Final = "ticker_line"
"""The type of the metadata by which the relay finds its messages again."""

TEXT_CHARS: Final = 3_000
"""The limit of the text of a section."""

PAGE: Final = 200
PAGES_MOST: Final = 10
_CLOCK_S: Final = 60.0
_NOT_THERE: Final = frozenset({"message_not_found"})
_NOT_ALLOWED: Final = frozenset(
    {"edit_window_closed", "cant_update_message", "cant_delete_message", "compliance_exports_prevent_deletion"}
)
_REFUSED: Final = frozenset({"msg_too_long", "no_text", "invalid_blocks", "restricted_action"})
_OPEN: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
"""After these, Slack may have posted the message. After other errors, it has not."""


def escape(text: str) -> str:
    """Return the text so that Slack shows its characters: `<!channel>` calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class SlackService:
    """Posts to one channel.

    Args:
        channel: The channel's id, such as C0123456789.
        token: A bot token with the scopes chat:write and channels:history (groups:history for a private channel).
        timeout_s: How long a request may take.
        server: The address of the API.

    """

    title = "Slack"
    can_find = True
    keyed_s = 0.0
    edit_erases = True
    delete_s = None

    def __init__(self, channel: str, token: str, *, timeout_s: float, server: str) -> None:
        self._channel = channel
        self._threads = Threads(timeout_s)
        # Without its own retries: after a lost reply, they would post a second message.
        self._client = WebClient(token, base_url=server, timeout=int(timeout_s) or 1, retry_handlers=[])

    async def create(self, text: str, name: str, key: str, lang: str) -> str:
        """Post a message, with metadata that name the line."""
        metadata = {"event_type": EVENT, "event_payload": {"line": name}}
        found = await self._call(
            lambda: self._client.chat_postMessage(
                channel=self._channel,
                metadata=metadata,
                mrkdwn=False,
                unfurl_links=False,
                unfurl_media=False,
                **_content(text),
            )
        )
        return str(found["ts"])

    async def edit(self, ref: str, text: str) -> None:
        """Replace the text of a message. Its metadata stay."""
        await self._call(lambda: self._client.chat_update(channel=self._channel, ts=ref, **_content(text)))

    async def delete(self, ref: str) -> None:
        """Delete a message."""
        await self._call(lambda: self._client.chat_delete(channel=self._channel, ts=ref))

    async def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        """Look through the channel's newest messages by their metadata."""
        cursor = None
        for _ in range(PAGES_MOST):
            page = await self._call(
                lambda cursor=cursor: self._client.conversations_history(  # type: ignore[misc]
                    channel=self._channel,
                    oldest=f"{since - _CLOCK_S:.6f}",
                    include_all_metadata=True,
                    limit=PAGE,
                    cursor=cursor,
                )
            )
            for message in page["messages"]:
                metadata = message.get("metadata") or {}
                if metadata.get("event_type") == EVENT and metadata.get("event_payload", {}).get("line") == name:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return None
        return None

    async def close(self) -> None:
        """Stop after the running requests."""
        self._threads.close()

    async def _call(self, request: Callable[[], T]) -> T:
        def call() -> T:
            try:
                return request()
            except (SlackClientError, OSError, http.client.HTTPException, ValueError, KeyError) as error:
                _raise(error)

        return await self._threads.run(call)


def _content(text: str) -> dict[str, Any]:
    """Return the text in a block of plain text, in which Slack reads no markup, and for notifications."""
    fitting = shorten(text, TEXT_CHARS)
    block = {"type": "section", "text": {"type": "plain_text", "text": fitting, "emoji": False}}
    return {"text": escape(fitting), "blocks": [block], "parse": "none", "link_names": False}


def _raise(error: Exception) -> NoReturn:
    """Raise the error of `ticker.relay.posts` for one of the library."""
    if isinstance(error, SlackApiError):
        _raise_answer(error)
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        is_unsent = isinstance(error.reason, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)
        word = "can't connect" if is_unsent else "the reply was lost"
        outcome = Failed(reason=f"{word} ({type(error.reason).__name__})", is_unsent=is_unsent)
    else:
        outcome = Failed(reason=f"the reply was lost ({type(error).__name__})")
    raise ServiceError(outcome) from None


def _raise_answer(error: SlackApiError) -> NoReturn:
    response = error.response
    code = str(response.get("error") or "")
    code = code if re.fullmatch("[a-z_]{1,60}", code) else f"{response.status_code}"
    if code in _NOT_THERE:
        raise NotThereError("Slack has no such message")
    if code in _NOT_ALLOWED:
        raise NotAllowedError(f"Slack answered {code}")
    if code in _REFUSED:
        raise ServiceError(Refused(reason=f"Slack answered {code}"))
    if response.status_code == 429 or code == "ratelimited":
        after = {name.lower(): value for name, value in response.headers.items()}.get("retry-after", "1")
        wait = float(after) if after.isdecimal() else 1.0
        raise ServiceError(Failed(reason="Slack answered 429", retry_after_s=wait, is_unsent=True))
    is_open = response.status_code >= 500 or code in _OPEN
    raise ServiceError(Failed(reason=f"Slack answered {code}", is_unsent=not is_open))
