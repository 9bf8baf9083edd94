from __future__ import annotations

from pathlib import Path
from traceback import format_exception

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ticker.core.errors import SettingsError
from ticker.store.url import Kind, Target, parse_url, password_from, redact, with_password

URLS = [
    ("redis://a", Kind.SINGLE, (("a", 6379),), 0),
    ("REDIS://a.example:7000/3", Kind.SINGLE, (("a.example", 7000),), 3),
    ("redis://[::1]:7000", Kind.SINGLE, (("::1", 7000),), 0),
    ("redis://[::1]?db=2", Kind.SINGLE, (("::1", 6379),), 2),
    ("rediss://user:p%40ss@a", Kind.SINGLE, (("a", 6379),), 0),
    ("redis+sentinel://a,b:1,c/news?db=1", Kind.SENTINEL, (("a", 26379), ("b", 1), ("c", 26379)), 1),
    ("rediss+sentinel://a/news", Kind.SENTINEL, (("a", 26379),), 0),
    ("redis+cluster://a:1,b:2", Kind.CLUSTER, (("a", 1), ("b", 2)), 0),
    ("rediss+cluster://a/0", Kind.CLUSTER, (("a", 6379),), 0),
]


@pytest.mark.parametrize(("url", "kind", "nodes", "db"), URLS)
def test_parse_url_reads_kind_nodes_database_and_tls(
    url: str, kind: Kind, nodes: tuple[tuple[str, int], ...], db: int
) -> None:
    target = parse_url(url)
    assert (target.kind, target.nodes, target.db) == (kind, nodes, db)
    assert (target.tls is not None) == url.lower().startswith("rediss")


def test_a_unix_url_has_a_path_and_credentials() -> None:
    target = parse_url("unix://desk:s@/run/a%20b/redis.sock?db=4")
    assert (target.kind, target.path, target.db) == (Kind.UNIX, "/run/a b/redis.sock", 4)
    assert target.credentials == {"username": "desk", "password": "s"}


def test_a_percent_encoded_password_is_decoded_once() -> None:
    assert parse_url("redis://:a%2540b%2F@h").credentials == {"password": "a%40b/"}


def test_sentinels_have_their_own_credentials() -> None:
    target = parse_url("redis+sentinel://u:p@h/news?sentinel_username=su&sentinel_password=sp")
    assert target.credentials == {"username": "u", "password": "p"}
    assert target.sentinel_credentials == {"username": "su", "password": "sp"}


def test_tls_options_come_from_the_query() -> None:
    target = parse_url("rediss://h?ssl_ca_certs=/ca.pem&ssl_check_hostname=no&ssl_cert_reqs=none")
    assert target.tls == {"ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False, "ssl_cert_reqs": "none"}


WRONG_URLS = [
    ("", "must start with one of redis, rediss"),
    ("localhost:6379", "must start with one of"),
    ("http://h", "must start with one of"),
    ("redis://", "its form is redis://"),
    ("redis://:6379", "its form is redis://"),
    ("redis://h:0", "from 1 to 65535"),
    ("redis://h:65536", "from 1 to 65535"),
    ("redis://h/zero", "database that is no number"),
    ("redis://a,b", r"redis\+sentinel:// or redis\+cluster://"),
    ("redis://h?retry_on_timeout=yes", "unknown parameter after the .: allowed are db"),
    ("redis://h?decode_responses=1", "unknown parameter"),
    ("redis://h?ssl_ca_certs=/ca", "unknown parameter"),
    ("redis://h?db=1&db=2", "each once"),
    ("rediss://h?ssl_cert_reqs=maybe", "required, none"),
    ("unix://", "its form is unix://"),
    ("unix://host/run/redis.sock", "its form is unix://"),
    ("redis+sentinel://h:1", "names no service"),
    ("redis+cluster://h/1", "only database 0"),
    ("redis+cluster://h?db=0", "none is allowed"),
]


@pytest.mark.parametrize(("url", "message"), WRONG_URLS)
def test_an_unusable_url_is_rejected_with_the_remedy(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_url(url)


# ---- passwords ----

SCHEMES = [
    "redis",
    "rediss",
    "unix",
    "redis+sentinel",
    "rediss+sentinel",
    "redis+cluster",
    "rediss+cluster",
    "http",
    "",
]
PIECES = [
    "Zq",
    "@",
    ":",
    "/",
    "?",
    "#",
    "%",
    "%4",
    "[",
    "]",
    "=",
    "&",
    ",",
    ";",
    " ",
    "\n",
    "é",
    "℀",
    "7",
    "\\",
    "db=1",
]
some = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
# Without the @ after the password, `7/Zq` would be a port and a path, and `a@Zq` would have a host.
secrets = st.builds("{}Zq{}@".format, some, some) | some.map(lambda end: "Zq" + end.replace("@", ""))
places = st.sampled_from(["h", "h:1", "h:x", "h,i:2/news", "/run/s", "", "h?db=x", "h/1?sentinel_password={}", "[::1"])


def parse_or_error(url: str) -> Target | SettingsError:
    try:
        return parse_url(url)
    except SettingsError as error:
        return error


@example("redis", "desk", "7/Zq@", "h")
@example("redis", "desk", "7?Zq@", "h")
@given(st.sampled_from(SCHEMES), st.sampled_from(["", "desk"]), secrets, places)
def test_no_message_contains_any_part_of_a_password(scheme: str, user: str, secret: str, place: str) -> None:
    url = f"{scheme}://{user}:{secret}{place.format(secret)}"
    assert "Zq" not in redact(url)
    read = parse_or_error(url)
    assert "Zq" not in "".join(format_exception(read) if isinstance(read, SettingsError) else repr(read))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://desk:secret@h:1/2", "redis://***@h:1/2"),
        ("redis+sentinel://a,b/news?sentinel_password=secret", "redis+sentinel://a,b/news?…"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
        ("redis://:se/cret@h", "redis://…"),
        ("redis://:secret", "redis://…"),
        ("secret", "…"),
    ],
)
def test_a_redacted_url_shows_the_server_but_no_secret(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_the_password_comes_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("se cret\n", encoding="utf-8")
    assert password_from({}) is None
    assert password_from({"TICKER_REDIS_PASSWORD": "s"}) == "s"
    assert password_from({"TICKER_REDIS_PASSWORD_FILE": str(file)}) == "se cret"


def test_a_password_in_the_url_overrides_the_other() -> None:
    assert parse_url(with_password("redis://:a@h", "b")).credentials == {"password": "a"}
    assert parse_url(with_password("redis://desk@h", "b")).credentials == {"username": "desk", "password": "b"}


@pytest.mark.parametrize(("content", "message"), [(None, "No such file"), (b"", "empty"), (b"Zq\xff", "not UTF-8")])
def test_an_unusable_password_file_is_rejected_without_quoting_it(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        password_from({"TICKER_REDIS_PASSWORD_FILE": str(file)})
    assert "Zq" not in str(caught.value)


def test_a_password_and_a_password_file_together_are_rejected() -> None:
    with pytest.raises(SettingsError, match="both set"):
        password_from({"TICKER_REDIS_PASSWORD": "a", "TICKER_REDIS_PASSWORD_FILE": "b"})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:1/2", "redis://:p%40ss@h:1/2"),
        ("redis://desk@h", "redis://desk:p%40ss@h"),
        ("redis://desk:own@h", "redis://desk:own@h"),
        ("unix:///run/redis.sock", "unix://:p%40ss@/run/redis.sock"),
        ("no url", "no url"),
    ],
)
def test_with_password_adds_a_password_unless_there_is_one(url: str, expected: str) -> None:
    assert with_password(url, "p@ss") == expected
