"""Who may see the status: the rule for local clients, the token, and the limits of guesses and of viewers. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from ticker.core.errors import SettingsError
from ticker.gateway.admission import Refusal
from ticker.settings import Settings
from ticker.web.status_access import (
    GUESSERS_MAX,
    GUESSES,
    GUESSES_S,
    TOKEN_LEAST,
    VIEWER_S,
    Client,
    StatusAccess,
)

TOKEN = "a token that nobody guesses"
LOCAL = "127.0.0.1"
FAR = "203.0.113.9"


def access(token: str | None = None, **settings: Any) -> StatusAccess:
    return StatusAccess(token, Settings(**settings), Counter())


def client(peer: str = LOCAL, http_version: str = "1.1", host: str = "127.0.0.1:8080", **headers: str) -> Client:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client(peer, 8080, http_version, {"host": host, **named})


def with_token(token: str = TOKEN, peer: str = FAR, **headers: str) -> Client:
    return client(peer, authorization=f"Bearer {token}", **headers)


def code(door: StatusAccess, request: Client, now: float = 0.0) -> str | None:
    """Return the code of the refusal, or None if the request may see the status."""
    try:
        door.check(request, now)
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "LOCALHOST:8080", "[::1]:8080", "127.9.9.9:8080"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_local_client_needs_no_token_if_none_is_set(peer: str, host: str) -> None:
    assert code(access(), client(peer, host=host)) is None


@pytest.mark.parametrize(
    "request_",
    [
        client(FAR),
        client("10.0.0.5"),
        client(""),
        client(host="news.example:8080"),
        client(host=""),
        client(host="127.0.0.1.evil.example:8080"),
        client(host="localhost.evil.example:8080"),
        client(host="127.0.0.1"),
        client(host="127.0.0.1:80"),
        client(host="[::1]"),
        client(http_version="1.0"),
        client(x_forwarded_for=LOCAL),
        client(x_forwarded_for=FAR),
        client(x_forwarded_proto="https"),
        client(x_forwarded_host="news.example"),
        client(forwarded="for=127.0.0.1"),
        client(via="1.1 varnish"),
        client(x_real_ip=FAR),
        client(cf_connecting_ip=FAR),
        client(FAR, x_forwarded_for=LOCAL),
        client(FAR, host="localhost:8080"),
    ],
    ids=repr,
)
def test_request_that_may_have_come_through_a_proxy_is_not_local(request_: Client) -> None:
    assert code(access(), request_) == "status-closed"


@pytest.mark.parametrize("settings", [{"trusted_proxies": ("127.0.0.1",)}, {"public_url": "https://news.example"}])
def test_no_client_is_local_behind_a_proxy_of_the_settings(settings: dict[str, Any]) -> None:
    assert code(access(**settings), client()) == "status-closed"


def test_no_client_is_local_after_a_request_through_a_proxy_on_this_machine() -> None:
    """A client behind a proxy that adds no header could send a loopback address as the host."""
    door = access()
    door.note(client())
    door.note(client(FAR, host="news.example"))
    assert code(door, client()) is None
    door.note(client(host="news.example"))
    assert code(door, client()) == "status-closed"


def test_everybody_needs_a_token_once_it_is_set() -> None:
    door = access(TOKEN)
    assert code(door, client()) == "status-token"
    assert code(door, client(FAR)) == "status-token"
    assert code(door, with_token()) is None
    assert code(door, with_token(peer=LOCAL)) is None


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN, f"bearer{TOKEN}", f"Token {TOKEN}"], ids=repr
)
def test_header_without_a_token_is_not_a_guess(value: str) -> None:
    door = access(TOKEN)
    assert [code(door, client(FAR, authorization=value)) for _ in range(GUESSES + 1)] == ["status-token"] * (
        GUESSES + 1
    )


@pytest.mark.parametrize("wrong", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "x" * 100_000, "é" * 20])
def test_wrong_token_is_refused(wrong: str) -> None:
    assert code(access(TOKEN), with_token(wrong)) == "status-token-invalid"


def test_address_that_guesses_has_to_wait_even_with_the_right_token() -> None:
    door = access(TOKEN)
    found = [code(door, with_token("wrong"), now=1.0 + GUESSES_S) for _ in range(GUESSES + 1)]
    assert found == ["status-token-invalid"] * GUESSES + ["status-guesses"]
    assert code(door, with_token(), now=2.0 + GUESSES_S) == "status-guesses"
    assert code(door, with_token(peer="198.51.100.1"), now=2.0 + GUESSES_S) is None
    assert code(door, with_token(), now=2.1 + 2 * GUESSES_S) is None


def test_right_token_is_never_a_guess() -> None:
    door = access(TOKEN)
    assert {code(door, with_token()) for _ in range(10 * GUESSES)} == {None}
    assert not door._guesses


def test_guesses_are_counted_by_the_address_behind_a_trusted_proxy() -> None:
    door = access(TOKEN, trusted_proxies=(LOCAL,))
    guess = with_token("wrong", LOCAL, x_forwarded_for=f"198.51.100.7, {FAR}")
    assert [code(door, guess) for _ in range(GUESSES + 1)][-1] == "status-guesses"
    assert code(door, with_token(peer=LOCAL, x_forwarded_for=FAR)) == "status-guesses", "the left part is the client's"
    assert code(door, with_token(peer=LOCAL, x_forwarded_for="198.51.100.7")) is None


def test_guesses_of_ipv6_are_counted_by_network() -> None:
    door = access(TOKEN)
    found = [code(door, with_token("wrong", f"2001:db8::{number}")) for number in range(GUESSES + 1)]
    assert found[-1] == "status-guesses"


def test_number_of_counted_addresses_is_limited() -> None:
    door = access(TOKEN)
    for number in range(GUESSERS_MAX):
        code(door, with_token("wrong", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"))
    assert len(door._guesses) == GUESSERS_MAX
    assert code(door, with_token("wrong", FAR)) == "status-guesses"


def test_refusals_are_counted_and_never_have_the_token() -> None:
    refused: Counter[str] = Counter()
    door = StatusAccess(TOKEN, Settings(), refused)
    for request in (client(), with_token("almost the token")):
        with pytest.raises(Refusal) as caught:
            door.check(request, 0.0)
        assert TOKEN not in repr(caught.value) + caught.value.detail + repr(request)
        assert "almost" not in repr(caught.value) + caught.value.detail + repr(request)
    assert refused == {"status-token": 1, "status-token-invalid": 1}


@pytest.mark.parametrize("token", ["", "x" * (TOKEN_LEAST - 1), "with a\nnew line in it", "contraseña muy larga"])
def test_token_that_is_short_or_can_not_be_sent_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(SettingsError, match="TICKER_STATUS_TOKEN has") as caught:
        access(token)
    assert not token or token not in str(caught.value)


def viewer(name: str, peer: str = FAR) -> Client:
    return client(peer, ticker_viewer=name)


def test_viewers_above_the_limit_are_refused_until_one_leaves() -> None:
    door = access(TOKEN, status_viewers=2)
    for now in (0.0, 1.0):
        door.enter(viewer("one"), now)
        door.enter(viewer("two"), now)
    with pytest.raises(Refusal, match="2 people look at the status here, the maximum"):
        door.enter(viewer("three"), 1.0)
    door.enter(viewer("one"), 1.0 + VIEWER_S)
    door.enter(viewer("three"), 1.1 + VIEWER_S)
    with pytest.raises(Refusal):
        door.enter(viewer("two"), 1.2 + VIEWER_S)


@pytest.mark.parametrize("name", ["", "x" * 41, "with space", "é"])
def test_program_without_a_valid_name_is_counted_by_its_address(name: str) -> None:
    door = access(TOKEN, status_viewers=1)
    door.enter(viewer(name), 0.0)
    door.enter(viewer("", FAR), 0.0)
    with pytest.raises(Refusal):
        door.enter(viewer("", "198.51.100.1"), 0.0)
