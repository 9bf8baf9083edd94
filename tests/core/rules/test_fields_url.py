"""The URL rule: safe URLs pass, and others are refused."""

from __future__ import annotations

import pytest

from tests.support.findings import codes_of, found
from ticker.core.rules import fields

GOOD_URLS = [
    "https://example.com",
    "http://example.com/",
    "HTTPS://EXAMPLE.COM/A",
    "https://example.com:8443/a?b=c&d=%20#e",
    "https://example.com:/",
    "https://www.example.com./",
    "https://xn--mgbh0fb.xn--kgbechtv/%D8%A3",
    "https://under_score.example.com/",
    "http://192.0.2.1:80/",
    "https://[2001:db8::1]/",
    "https://[2001:db8::1]:8443/a",
    "https://example.com/a:b@c",
    "https://example.com/it's",
    "https://example.com/[a]",
]
BAD_URLS = [
    "",
    "example.com",
    "//example.com/a",
    "/a",
    "javascript:alert(1)",
    "JaVaScRiPt://example.com/%0Aalert(1)",
    "data:text/html,x",
    "ftp://example.com/",
    "file:///etc/hosts",
    "mailto:a@example.com",
    "https:example.com",
    "https:/example.com",
    "https://",
    "https:///a",
    "https://:443/",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://@example.com/",
    "https://:@example.com/",
    "https://example.com@evil.example/",
    "https://مثال.إختبار/",
    "https://example.com/أ",
    "https://españa.example/",
    "https://example.com/a b",
    " https://example.com/",
    "https://example.com/\n",
    "https://exa\tmple.com/",
    "https://example.com\\@evil.example/",
    'https://example.com/"onclick',
    "https://example.com/<b>",
    "https://example.com/\u202egnp",
    "https://example.com/\ud800",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com:http/",
    "https://example..com/",
    "https://.example.com/",
    "https://-example.com/",
    "https://%65xample.com/",
    "https://exa%20mple/",
    "https://.",
    "https://[::1",
    "https://::1/",
    "https://[zz]/",
    "https://[::1%25eth0]/",
    "https://[v1.x]/",
    "https://ex[ample].com/",
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_good_url_passes(url: str) -> None:
    assert found(fields.check_url(url)) == []


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_unsafe_url_is_refused(url: str) -> None:
    assert codes_of(fields.check_url(url)) == ["url"]


def test_a_url_above_its_limit_is_refused() -> None:
    url = "https://example.com/".ljust(fields.URL_CHARACTERS, "a")
    assert found(fields.check_url(url)) == []
    assert codes_of(fields.check_url(url + "a")) == ["url"]


def test_a_refused_url_does_not_repeat_a_password() -> None:
    (finding,) = found(fields.check_url("https://user:hunter2@example.com/"))
    assert "hunter2" not in finding.detail


@pytest.mark.parametrize("url", ["example.com/x", "www.example.com", "news.example:8443/a?b=c"])
def test_a_url_without_a_scheme_is_offered_with_https(url: str) -> None:
    (finding,) = found(fields.check_url(url))
    assert finding.detail.endswith(f": use https://{url}")


@pytest.mark.parametrize("url", ["example", "ftp://example.com", "mailto:a@example.com", "/path.html", "//example.com"])
def test_no_url_is_offered_for_something_else(url: str) -> None:
    (finding,) = found(fields.check_url(url))
    assert "https://" not in finding.detail
