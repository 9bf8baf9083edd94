"""The requests of a Telegram bot to one chat, by python-telegram-bot. See core.telegram.org/bots/api."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final, NoReturn, TypeVar

import httpx
from telegram import Bot, LinkPreviewOptions
from telegram import error as errors
from telegram.request import HTTPXRequest

from ticker.relay.posts import NotAllowedError, NotThereError, ServiceError
from ticker.relay.records import Failed, Refused
from ticker.relay.texts import inert_text, shorten

T = TypeVar("T")

DELETE_S: Final = 48 * 3_600.0
"""Telegram deletes no message that is older."""

TEXT_CHARS: Final = 2_048
"""Telegram's limit is 4,096 UTF-16 code units. A character has two at most."""

CONNECTIONS: Final = 8
_NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)
_NOT_MODIFIED: Final = "message is not modified"
_NOT_THERE: Final = ("message to edit not found", "message to delete not found", "message_id_invalid")
_NOT_ALLOWED: Final = ("message can't be edited", "message can't be deleted", "message can't be deleted for everyone")
_REFUSED: Final = ("message is too long", "message text is empty", "text must be non-empty")


os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library reads it at each use, and warns without it


class _NotModifiedError(Exception):
    """The message has that text already."""


class TelegramService:
    """Posts to one chat as plain text, so that no markup in it has an effect.

    Args:
        chat: The chat's id, or @ and the public name of a channel.
        token: The bot's token.
        timeout_s: How long a request may take.
        server: The address of the Bot API.

    """

    title = "Telegram"
    can_find = False  # a bot can't read the history of a chat, and the Bot API lacks idempotency keys
    keyed_s = 0.0
    edit_erases = True
    delete_s = DELETE_S

    def __init__(self, chat: str, token: str, *, timeout_s: float, server: str) -> None:
        self._chat = chat
        self._request = HTTPXRequest(
            connection_pool_size=CONNECTIONS,
            read_timeout=timeout_s,
            write_timeout=timeout_s,
            connect_timeout=timeout_s,
            pool_timeout=timeout_s,
            httpx_kwargs={"trust_env": False, "follow_redirects": False},
        )
        # The token is a part of each URL. So the loggers of httpx and of the library must not log it: see `targets`.
        self._bot = Bot(
            token, base_url=f"{server.rstrip('/')}/bot", request=self._request, get_updates_request=self._request
        )

    async def create(self, text: str, name: str, key: str, lang: str) -> str:
        """Send a message."""
        sent = await self._call(self._bot.send_message(self._chat, _content(text), link_preview_options=_NO_PREVIEW))
        return str(sent.message_id)

    async def edit(self, ref: str, text: str) -> None:
        """Replace the text of a message. The same text again succeeds."""
        request = self._bot.edit_message_text(
            _content(text), chat_id=self._chat, message_id=int(ref), link_preview_options=_NO_PREVIEW
        )
        with suppress(_NotModifiedError):
            await self._call(request)

    async def delete(self, ref: str) -> None:
        """Delete a message."""
        await self._call(self._bot.delete_message(self._chat, int(ref)))

    async def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        """Fail: bots can't search."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connections."""
        await self._request.shutdown()

    async def _call(self, request: Awaitable[T]) -> T:
        try:
            return await request
        except errors.BadRequest as error:
            _raise_bad_request(str(error).lower())
        except errors.TelegramError as error:
            _raise(error)


def _content(text: str) -> str:
    return shorten(inert_text(text), TEXT_CHARS)


def _raise_bad_request(text: str) -> NoReturn:
    """Raise the error of `ticker.relay.posts` for a status 400. Telegram has done nothing then."""
    if _NOT_MODIFIED in text:
        raise _NotModifiedError from None
    if any(words in text for words in _NOT_THERE):
        raise NotThereError("Telegram has no such message") from None
    if any(words in text for words in _NOT_ALLOWED):
        raise NotAllowedError("Telegram changes this message no more") from None
    if any(words in text for words in _REFUSED):
        raise ServiceError(Refused(reason="Telegram refuses the text")) from None
    reason = "Telegram doesn't know the chat" if "chat not found" in text else "Telegram refuses: is the bot an admin?"
    raise ServiceError(Failed(reason=reason, is_unsent=True)) from None


def _raise(error: errors.TelegramError) -> NoReturn:
    """Raise the error of `ticker.relay.posts`. It never quotes the library's, which may contain the URL."""
    match error:
        case errors.RetryAfter():
            after = error.retry_after
            wait = after.total_seconds() if isinstance(after, timedelta) else float(after)
            outcome = Failed(reason="Telegram answered 429", retry_after_s=wait, is_unsent=True)
        case errors.InvalidToken():
            outcome = Failed(reason="Telegram refuses the token", is_unsent=True)
        case errors.Forbidden():
            outcome = Failed(reason="Telegram lets the bot not into the chat (403)", is_unsent=True)
        case errors.ChatMigrated():
            reason = f"the group has become a supergroup: name its new id, telegram:{error.new_chat_id}"
            outcome = Failed(reason=reason, is_unsent=True)
        case _ if isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            outcome = Failed(reason=f"can't connect ({type(error.__cause__).__name__})", is_unsent=True)
        case _:
            outcome = Failed(reason=f"the reply was lost ({type(error.__cause__ or error).__name__})")
    raise ServiceError(outcome) from None
