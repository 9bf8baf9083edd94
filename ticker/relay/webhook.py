"""Send deliveries as webhooks (Standard Webhooks 1.0.0, github.com/standard-webhooks/standard-webhooks)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec
from standardwebhooks import Webhook

from ticker.core.errors import SettingsError
from ticker.core.messages import rfc3339
from ticker.relay.addresses import BlockedError, resolve
from ticker.relay.records import Acknowledged, Delivery, Disabled, Failed, Outcome, Post

BODY_BYTES: Final = 20_000
"""The most that the standard recommends. The largest line is smaller: see `tests/relay/test_webhook.py`."""

SECRET_BYTES: Final = range(24, 65)
ADDRESSES_TRIED: Final = 3
_PREFIX: Final = "whsec_"
_THROTTLES: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


def parse_secrets(text: str, source: str) -> list[Webhook]:
    """Return the signers of a list of secrets, separated by white space. Each has the form `whsec_<base64>`.

    Raises:
        SettingsError: If the list is empty, or one can't be used. The message never contains a secret.

    """
    signers = []
    for number, word in enumerate(text.split(), 1):
        try:
            key = base64.b64decode(word.removeprefix(_PREFIX) + "==", validate=False)
        except (binascii.Error, ValueError):
            key = b""
        if not word.startswith(_PREFIX) or len(key) not in SECRET_BYTES:
            raise SettingsError(
                f"secret {number} of {source} can't be used: write whsec_ and 24 to 64 random bytes in base64, for "
                "example from `python3 -c \"import base64, secrets; print('whsec_' + "
                'base64.b64encode(secrets.token_bytes(32)).decode())"`'
            )
        signers.append(Webhook(key))
    if not signers:
        raise SettingsError(f"{source} has no secret: set it to one, or to two while you replace one by another")
    return signers


def body_of(delivery: Delivery, edition: str) -> str:
    """Return the body of a delivery, the same for each attempt. `docs/relay.md` describes it."""
    when = delivery.updated_at or datetime.fromtimestamp(delivery.queued_at, UTC)
    line: object = {"id": delivery.line} if delivery.content is None else delivery.content
    data = {"edition": edition, "order": delivery.order, "position": delivery.position, "line": line}
    document = {"type": f"line.{delivery.kind}", "timestamp": rfc3339(when), "data": data}
    return msgspec.json.encode(document).decode()


def headers_of(delivery: Delivery, body: str, signers: Sequence[Webhook], now: datetime) -> dict[str, str]:
    """Return the headers of one attempt at `now`: one signature per secret, so that a secret can be replaced."""
    signatures = [signer.sign(delivery.id, now, body) for signer in signers]
    return {
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
    }


def outcome_of(status: int, retry_after: str | None, now: float) -> Outcome:
    """Return the outcome of a response. Only 2xx is a success, and no redirect is followed."""
    if 200 <= status < 300:
        return Acknowledged()
    if status == HTTPStatus.GONE:
        return Disabled(reason="the receiver answered 410 Gone")
    is_redirect = 300 <= status < 400
    reason = f"the receiver answered {status}" + (", and redirects aren't followed" if is_redirect else "")
    return Failed(
        reason=reason, retry_after_s=_seconds(retry_after, now), is_outage=status in _THROTTLES or bool(retry_after)
    )


def _seconds(retry_after: str | None, now: float) -> float | None:
    """Return the value of Retry-After (RFC 9110, 10.2.3) in seconds, or None."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 8:
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    except (ValueError, OverflowError):
        return None


class WebhookTarget:
    """Sends deliveries to one URL. Use it as an async context manager.

    Args:
        url: The receiver's http(s) URL, without a user or a password.
        signers: The secrets, the newest first.
        timeout_s: How long an attempt may take, from the look-up of the host to the head of the response.
        allow_private: Whether the host may have an internal address.
        clock: Returns seconds since 1970.

    Raises:
        SettingsError: If the URL can't be used.

    """

    def __init__(
        self,
        url: str,
        signers: Sequence[Webhook],
        *,
        timeout_s: float,
        allow_private: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise SettingsError(
                f"{parts.hostname or 'a receiver'!a} isn't a URL to send to: write it like https://news.example/hook, "
                "without a user or a password"
            )
        self._url = httpx.URL(url)
        self._signers = list(signers)
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._clock = clock
        self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=timeout_s)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def attempt(self, delivery: Delivery, edition: str, post: Post | None = None) -> Outcome:
        """Send a delivery once, and return the outcome. Errors of the network don't raise."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(delivery, edition)
        except TimeoutError:
            return Failed(reason=f"no response within {self._timeout_s:g} s")
        except BlockedError as error:
            return Failed(reason=str(error), is_unsent=True)
        except OSError as error:
            return Failed(reason=f"{self._url.host} can't be resolved ({error.strerror})", is_unsent=True)

    async def _send(self, delivery: Delivery, edition: str) -> Outcome:
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        addresses = await resolve(self._url.host, port, allow_private=self._allow_private)
        body = body_of(delivery, edition)
        headers = headers_of(delivery, body, self._signers, datetime.fromtimestamp(self._clock(), UTC))
        outcome: Outcome = Failed(reason="no address answers", is_unsent=True)
        for address in addresses[:ADDRESSES_TRIED]:
            # The request goes to the address that was checked; the certificate is still that of the host's name.
            request = self._client.build_request(
                "POST",
                self._url.copy_with(host=address),
                content=body.encode(),
                headers={**headers, "host": self._url.netloc.decode("ascii")},
                extensions={"sni_hostname": self._url.raw_host.decode("ascii")},
            )
            try:
                response = await self._client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                outcome = Failed(reason=f"can't connect ({type(error).__name__})", is_unsent=True)
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                return Failed(reason=f"the reply was lost ({type(error).__name__})")
            await response.aclose()  # nothing in the body counts, and it may never end
            return outcome_of(response.status_code, response.headers.get("retry-after"), self._clock())
        return outcome
