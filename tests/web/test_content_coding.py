"""Which content coding a client gets for its `Accept-Encoding`."""

from __future__ import annotations

import pytest

from ticker.web.content_coding import choose_coding


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=1.0, gzip;q=1", "br"),
        ("gzip ; q=0.001", "gzip"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("br;q=0, *;q=0.5", "gzip"),
        ("br;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("deflate, xbr, gzipped", None),
        ("br;q=2, gzip;q=-1", None),
        ("br;q=0.0001", None),
        ("br;level=1", None),
        (";;,,=", None),
        ("", None),
    ],
)
def test_client_gets_the_coding_that_it_prefers(header: str, coding: str | None) -> None:
    assert choose_coding(header, ("br", "gzip")) == coding


def test_no_coding_is_available() -> None:
    assert choose_coding("*", ()) is None
