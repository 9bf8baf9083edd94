"""Make the target of a receiver from its address on the command line and its secret."""

from __future__ import annotations

import logging
import re
from typing import Final
from urllib.parse import parse_qs

import msgspec

from ticker.core.errors import SettingsError
from ticker.relay.posts import PostTarget, Service, settle_s
from ticker.relay.receivers import service_of
from ticker.relay.route import Target

SLACK: Final = "https://slack.com/api/"
TELEGRAM: Final = "https://api.telegram.org"
_LOGGERS: Final = ("httpx", "httpcore", "telegram", "slack_sdk", "urllib3", "requests")
_CHAT: Final = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,20}")
_CHANNEL: Final = re.compile(r"[CGD][A-Z0-9]{2,20}")


class TargetOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a receiver. `secrets` come from `source`: keys that sign webhooks, or one token of a service."""

    address: str
    secrets: str
    source: str
    timeout_s: float
    allow_private: bool


def silence_libraries() -> None:
    """Let the libraries log nothing below an error: they log URLs and texts, and the URL of a bot has its token."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def make_target(options: TargetOptions) -> tuple[Target, float]:
    """Return a target, and how long after its start a request to it may still take effect (`Limits.settle_s`).

    Raises:
        SettingsError: If the address or the secret can't be used, or a library isn't installed.

    """
    kind = service_of(options.address)
    try:
        if kind is None:
            from ticker.relay.webhook import WebhookTarget, parse_secrets  # noqa: PLC0415 -- needs an extra

            signers = parse_secrets(options.secrets, options.source)
            return (
                WebhookTarget(
                    options.address, signers, timeout_s=options.timeout_s, allow_private=options.allow_private
                ),
                0.0,
            )
        late_s = settle_s(options.timeout_s)
        return PostTarget(_service(kind, options), late_s), late_s
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} isn't installed: this receiver needs the extra `{kind or 'relay'}` of the package "
            "(docs/relay.md)"
        ) from error


def _service(kind: str, options: TargetOptions) -> Service:
    place, _, query = options.address.partition(":")[2].partition("?")
    token = options.secrets.strip()
    if not token or len(token.split()) > 1:
        raise SettingsError(f"{options.source} isn't a token of {kind}: put one token into it, and nothing else")
    if kind == "mastodon":
        from ticker.relay.mastodon_service import MastodonService  # noqa: PLC0415 -- needs an extra

        return MastodonService(place, token, timeout_s=options.timeout_s, allow_private=options.allow_private)
    asked = parse_qs(query).get("server", [])
    if kind == "slack":
        if not _CHANNEL.fullmatch(place):
            raise SettingsError(f"{place!a} isn't the id of a channel: write it like slack:C0123456789")
        from ticker.relay.slack_service import SlackService  # noqa: PLC0415 -- needs an extra

        return SlackService(place, token, timeout_s=options.timeout_s, server=asked[-1] if asked else SLACK)
    if not _CHAT.fullmatch(place):
        raise SettingsError(f"{place!a} isn't a chat: write it like telegram:@channel or telegram:-1001234567890")
    from ticker.relay.telegram_service import TelegramService  # noqa: PLC0415 -- needs an extra

    return TelegramService(place, token, timeout_s=options.timeout_s, server=asked[-1] if asked else TELEGRAM)
