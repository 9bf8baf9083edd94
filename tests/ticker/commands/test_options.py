"""Options that several commands of `ticker` share."""

from __future__ import annotations

import pytest

from ticker.commands.options import parse_address
from ticker.core.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "address"), [("127.0.0.1:9100", ("127.0.0.1", 9100)), ("[::1]:9100", ("::1", 9100)), ("h:0", ("h", 0))]
)
def test_address_has_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["9100", "localhost", ":9100", "127.0.0.1:x", "127.0.0.1:99999", "a@b:1", "h:1/x", ""])
def test_invalid_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"write a host and a port, like 127\.0\.0\.1:9100"):
        parse_address(text)
