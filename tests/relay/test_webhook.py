from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.support.relay_simulation import START, line
from tests.support.webhook_receiver import SECRET
from ticker.core.errors import SettingsError
from ticker.relay.addresses import BlockedError, is_public, resolve
from ticker.relay.records import Acknowledged, Delivery, Disabled, Failed, Kind
from ticker.relay.webhook import BODY_BYTES, WebhookTarget, body_of, headers_of, outcome_of, parse_secrets

OTHER = "whsec_" + base64.b64encode(b"x" * 32).decode()
DELIVERY = Delivery(
    line="k7m2x9ab3c", version=1, order=7, kind=Kind.PUBLISHED, position="1-x", queued_at=0, content=line("a", 1, 1)
)


def test_message_is_signed_with_each_secret_so_that_one_can_be_replaced() -> None:
    body = body_of(DELIVERY, "en")
    headers = headers_of(DELIVERY, body, parse_secrets(f"{OTHER} {SECRET}", "TICKER_RELAY_SECRET"), datetime.now(UTC))
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(body, headers)["type"] == "line.published"
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"y" * 32).decode()).verify(body, headers)


def test_largest_line_stays_below_the_limit_of_a_body() -> None:
    largest = msgspec.structs.replace(
        line("a", 1, 1, text="\U0001f5de" * 500),
        attribution="\U0001f5de" * 100,
        correction="\U0001f5de" * 500,
        regions=tuple("r" * 32 for _ in range(20)),
        url="https://news.example/" + "x" * 2048,
    )
    assert len(body_of(msgspec.structs.replace(DELIVERY, content=largest), "en").encode()) < BODY_BYTES


@pytest.mark.parametrize("text", ["", "  ", "whsec_", "whsec_c2hvcnQ=", "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiB0aGUgcmVsYXk="])
def test_secret_that_is_too_short_or_has_no_prefix_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_secrets(text, "TICKER_RELAY_SECRET")
    assert not text.strip() or text.removeprefix("whsec_") not in str(caught.value) or text == "whsec_"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, Acknowledged()),
        (299, Acknowledged()),
        (301, Failed(reason="the receiver answered 301, and redirects aren't followed", is_outage=False)),
        (400, Failed(reason="the receiver answered 400", is_outage=False)),
        (410, Disabled(reason="the receiver answered 410 Gone")),
        (429, Failed(reason="the receiver answered 429")),
        (500, Failed(reason="the receiver answered 500", is_outage=False)),
        (502, Failed(reason="the receiver answered 502")),
        (504, Failed(reason="the receiver answered 504")),
    ],
)
def test_only_2xx_is_a_success(status: int, expected: object) -> None:
    assert outcome_of(status, None, 0.0) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120.0),
        (format_datetime(START + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(START - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 40, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, expected: float | None) -> None:
    outcome = outcome_of(503, value, START.timestamp())
    assert isinstance(outcome, Failed)
    assert outcome.retry_after_s == expected


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"),
    ],
)
def test_internal_address_is_not_public(address: str) -> None:
    assert not is_public(address)


def test_public_address_is_public() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:4700::1111")
    assert is_public("64:ff9b::5db8:d822")


async def test_host_with_only_internal_addresses_is_blocked_unless_allowed() -> None:
    with pytest.raises(BlockedError):
        await resolve("127.0.0.1", 80, allow_private=False)
    assert await resolve("127.0.0.1", 80, allow_private=True) == ["127.0.0.1"]
    target = WebhookTarget("http://127.0.0.1:1/hook", parse_secrets(SECRET, "x"), timeout_s=5, allow_private=False)
    outcome = await target.attempt(DELIVERY, "en")
    await target.close()
    assert isinstance(outcome, Failed)
    assert outcome.is_unsent
    assert "--allow-private" in outcome.reason


@pytest.mark.parametrize("url", ["ftp://a.example/", "https://", "https://user:pass@a.example/", "cms.example/hook"])
def test_url_with_a_password_or_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        WebhookTarget(url, parse_secrets(SECRET, "x"), timeout_s=5, allow_private=False)
    assert "pass@" not in str(caught.value)
