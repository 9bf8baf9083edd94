"""The posting part as a process, with Redis users that have only their rights, and a real desk."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.posting.conftest import Client, Parts
from tests.support.summary import count_properties
from tests.support.waiting import WAIT_S, until
from ticker.store.connection import open_redis
from ticker.store.tokens import NewToken, Scope, create_token

SCHEMATHESIS: Final = """
request-timeout = 20.0

[checks]
# A request whose deadline is over is answered with 503.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]

[parameters]
"path.edition" = "en"

# The rules of the desk refuse most generated requests: OpenAPI can't say that.
[[operations]]
include-operation-id = ["submit", "decide"]
checks.positive_data_acceptance.enabled = false
"""


def test_line_goes_through_its_whole_life(parts: Parts, maha: Client) -> None:
    posted = maha.new("life-1", "Met office: Storm Ada makes landfall", urgency=3)
    assert posted.status_code == 201, posted.text
    receipt = posted.json()
    assert (receipt["status"], receipt["action"], receipt["attribution"]) == ("on-air", "new", "Met office")
    assert posted.headers["location"] == "/v1/en/submissions/life-1"
    line = receipt["id"]
    changes = [
        ("update", {"text": "Storm Ada makes landfall near Selby"}),
        ("correct", {"text": "Storm Ada makes landfall near Amery", "reason": "It is Amery."}),
        ("hide", {}),
        ("unhide", {}),
        ("pin", {"pinned_until": "2126-11-26T12:00:00Z"}),
        ("withdraw", {"reason": "The report was wrong."}),
    ]
    for number, (change, fields) in enumerate(changes):
        answer = maha.change(f"life-{change}", change, line, **fields)
        if change == "pin":  # seven days at most: the desk has the same rules as for `tick`
            assert (answer.status_code, answer.json()["error"]) == (422, "refused")
            assert answer.json()["receipt"]["errors"][0]["code"] == "pinned_until", answer.text
        else:
            assert (answer.status_code, answer.json()["status"]) == (201, "on-air"), (change, number, answer.text)
    log = parts.tick("log", "-e", "en", "--json").json["entries"]
    assert [entry["line"]["change"] for entry in log if entry["line"]["id"] == line][-1] == "withdraw"
    assert {entry["editor"] for entry in log if entry["line"]["id"] == line} == {"maha"}


def test_repeated_request_gets_the_same_receipt_and_publishes_once(parts: Parts, maha: Client) -> None:
    first = maha.new("again-1", "Ferries stop until morning")
    entries = parts.entries()
    # The order of the members, the quotes of the key and the deadline make no difference.
    body = '{"deadline_s": 20, "text": "Ferries stop until morning", "confirmed": true, "change": "new"}'
    headers = {"Idempotency-Key": "again-1", "Content-Type": "application/json; charset=utf-8"}
    second = maha.raw("POST", "/v1/en/submissions", content=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201), second.text
    assert first.json() == second.json()
    assert parts.entries() == entries


def test_key_of_another_request_is_refused_and_publishes_nothing(parts: Parts, maha: Client) -> None:
    assert maha.new("reused-1", "Bridge reopens on Monday").status_code == 201
    entries = parts.entries()
    for answer in (
        maha.new("reused-1", "Bridge reopens on Tuesday"),
        maha.decide("reused-1", decision="cancel", held="k7m2x9ab3c"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (422, "key-reused")
    assert parts.entries() == entries
    assert maha.get("/v1/en/submissions/reused-1").json()["status"] == "on-air"


def test_key_of_a_held_item_belongs_to_its_request(parts: Parts, maha: Client) -> None:
    held = maha.new("waits-1", "Night train starts in spring", publish_at="2126-11-26T12:00:00Z")
    assert held.status_code == 422  # a year at most
    held = maha.new("waits-2", "Night train starts in spring", undo_s=300)
    assert (held.status_code, held.json()["status"]) == (202, "held"), held.text
    assert maha.new("waits-2", "Night train starts in summer", undo_s=300).json()["error"] == "key-reused"
    dropped = maha.decide("waits-cancel", decision="cancel", held=held.json()["held"])
    assert (dropped.status_code, dropped.json()["status"]) == (201, "dropped"), dropped.text
    found = maha.get(held.headers["location"])
    assert (found.status_code, found.json()["status"]) == (200, "dropped")


def test_second_person_reads_an_item_and_approves_or_rejects_it(parts: Parts) -> None:
    reporter, editor = parts.client("rana"), parts.client("omar")
    waits = reporter.new("second-1", "Polls close in Valmora", note="from our stringer")
    assert (waits.status_code, waits.json()["needs"][0]["code"]) == (202, "reporter"), waits.text
    wrong = reporter.new("second-2", "Bridge falls into the river").json()["held"]
    items = {item["held"]: item for item in editor.get("/v1/en/held").json()["items"]}
    item = items[waits.json()["held"]]
    assert item["submission"]["text"] == "Polls close in Valmora"
    assert "second-1" not in str(items)
    mine = reporter.decide("second-3", decision="approve", held=item["held"], seen=item["seen"])
    assert (mine.status_code, mine.json()["error"]) == (422, "refused")
    blind = editor.decide("second-4", decision="approve", held=item["held"], seen="0" * 16)
    assert blind.status_code == 422
    approved = editor.decide("second-5", decision="approve", held=item["held"], seen=item["seen"])
    assert (approved.status_code, approved.json()["status"]) == (201, "on-air"), approved.text
    rejected = editor.decide("second-6", decision="reject", held=wrong, reason="Nobody confirms it")
    assert (rejected.status_code, rejected.json()["status"]) == (201, "dropped"), rejected.text
    assert reporter.get("/v1/en/submissions/second-1").json()["status"] == "on-air"
    assert reporter.get("/v1/en/submissions/second-2").json()["reason"] == "Nobody confirms it"


@pytest.mark.parametrize(
    ("scopes", "request_of"),
    [
        (["change", "decide"], {"change": "new", "text": "A new line of words"}),
        (["post", "decide"], {"change": "withdraw", "id": "k7m2x9ab3c", "reason": "It was wrong."}),
        (["post", "change"], {"decision": "cancel", "held": "k7m2x9ab3c"}),
        (["post", "change", "decide"], {"change": "new", "text": "A flash of words", "break_glass": "Nobody is here"}),
    ],
)
def test_request_outside_of_the_scopes_of_its_token_is_refused(
    parts: Parts, scopes: list[str], request_of: dict[str, str]
) -> None:
    client = parts.client("lena", "-e", "en", *(word for scope in scopes for word in ("--scope", scope)))
    before = parts.server.command("XINFO", "STREAM", "ticker:{en}:receipts:maha")
    path = "/v1/en/decisions" if "decision" in request_of else "/v1/en/submissions"
    answer = client.post("scope-1", request_of, path)
    assert (answer.status_code, answer.json()["error"]) == (403, "scope")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert client.get("/v1/en/submissions/scope-1").json()["status"] == "unknown"
    assert parts.server.command("XINFO", "STREAM", "ticker:{en}:receipts:maha") == before
    if "decide" not in scopes:
        assert client.get("/v1/en/held").status_code == 403


def test_chief_with_the_scope_publishes_a_flash_alone(parts: Parts) -> None:
    chief = parts.client("lena", "-e", "en", "--scope", "post", "--scope", "break-glass")
    answer = chief.new("glass-1", "Ceasefire holds in the north", urgency=1, break_glass="Nobody is here")
    assert (answer.status_code, answer.json()["status"]) == (201, "on-air"), answer.text


def test_token_works_only_for_its_editions_and_as_long_as_its_editor_is_one(parts: Parts) -> None:
    client = parts.client("omar", "-e", "en")
    answer = client.post("edition-1", {"change": "new", "text": "عاجل من هناك"}, "/v1/ar/submissions")
    assert (answer.status_code, answer.json()["error"]) == (403, "edition")
    refused = parts.server.ticker("token", "create", "omar", "-e", "ar", user="ticker-admin")
    assert (refused.code, "ticker editor add omar -e ar" in refused.err) == (1, True)
    parts.server.add_editor("guest", "-e", "en")
    guest = parts.client("guest")
    assert guest.new("guest-1", "Ferry service has resumed").status_code == 201
    removed = parts.server.ticker("editor", "remove", "guest", "--json", user="ticker-admin")
    assert len(removed.json["tokens"]) == 1
    parts.server.add_editor("guest", "-e", "en")
    assert guest.new("guest-2", "Ferry service has ended").json()["error"] == "token"
    member = parts.client("guest")
    parts.server.command("HDEL", "ticker:{en}:editors", "guest")
    assert member.new("guest-3", "Ferry service is back").json()["error"] == "editor"


def test_revoked_expired_and_wrong_tokens_are_refused_at_once(parts: Parts) -> None:
    made = parts.token("maha")
    client = parts.client_with(made["token"])
    assert client.get("/v1/en/submissions/none").status_code == 200
    assert parts.server.ticker("token", "revoke", made["id"], user="ticker-admin").code == 0
    assert made["id"] not in parts.server.ticker("token", "list", user="ticker-admin").out

    async def expired() -> str:
        async with open_redis(parts.server.url, role="ticker") as redis:
            new = NewToken(editor="maha", editions=("en",), scopes=(Scope.POST,), label="", days=0)
            return (await create_token(redis, new, datetime.now(UTC)))[1]

    valid = parts.token("maha")["token"]
    other = parts.token("omar")["token"]
    mixed = f"{valid[:-43]}{other[-43:]}"  # the id of one token and the secret of another
    for token in (made["token"], asyncio.run(expired()), mixed, valid[:-1], "x", None):
        answer = parts.client_with(token).new("token-1", "A line of somebody else")
        assert (answer.status_code, answer.json()["error"]) == (401, "token"), token
        assert answer.headers["www-authenticate"].startswith('Bearer realm="ticker"')
    assert parts.client_with(valid).get("/v1/en/submissions/token-1").json()["status"] == "unknown"


def test_secret_is_stored_nowhere_and_shown_once(parts: Parts) -> None:
    made = parts.token("maha")
    secret = made["token"][-43:]
    stored = str(parts.server.command("HGETALL", "ticker:tokens"))
    assert made["id"] in stored
    assert secret not in stored
    assert secret not in parts.server.ticker("token", "list", "--json", user="ticker-admin").out
    parts.client_with(made["token"]).new("secret-1", "Secret line for the logs", note="a note for staff")
    for program in (parts.api, parts.desk):
        assert all(word not in program.log for word in (secret, "Secret line", "a note for staff", "secret-1"))


def test_requests_without_a_desk_are_limited_and_end_with_the_truth(parts: Parts, maha: Client) -> None:
    parts.desk.stop()
    try:
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(maha.new, "nobody-1", "No desk reads this line", deadline_s=3)
            until(lambda: parts.server.command("XLEN", "ticker:{en}:inbox:maha") == 1, "the request is in the inbox")
            again = maha.new("nobody-1", "No desk reads this line", deadline_s=1)
            assert (again.status_code, again.json()["error"]) == (409, "in-progress")
            assert again.headers["retry-after"] == "1"
            answer = waiting.result()
        assert (answer.status_code, answer.json()["error"]) == (503, "no-desk"), answer.text
        assert answer.headers["retry-after"] == "2"
        assert maha.get(answer.headers["location"]).json()["status"] == "unknown"
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(maha.new, "open-1", "Redis hangs after this line", deadline_s=3)
            until(lambda: parts.server.command("XLEN", "ticker:{en}:inbox:maha") == 2, "the request is in the inbox")
            parts.server.pause()
            answer = waiting.result()
        parts.server.resume()
        assert (answer.status_code, answer.json()["status"]) == (202, "unknown"), answer.text
        assert answer.headers["location"] == "/v1/en/submissions/open-1"
    finally:
        parts.server.resume()
        parts.desk.start()
    late = maha.get("/v1/en/submissions/nobody-1")
    until(lambda: maha.get("/v1/en/submissions/nobody-1").json()["status"] == "late", "the desk has settled it")
    assert late.status_code == 200
    repeated = maha.new("nobody-1", "No desk reads this line")
    assert (repeated.status_code, repeated.json()["status"]) == (201, "on-air"), repeated.text


def test_errors_of_the_form_are_problems_with_a_remedy(maha: Client) -> None:
    path, json_type = "/v1/en/submissions", {"Content-Type": "application/json"}
    keyed = {**json_type, "Idempotency-Key": '"form-1"'}
    assert maha.raw("POST", path, content="{}", headers=json_type).json()["error"] == "idempotency-key"
    assert maha.raw("POST", path, content="{}", headers={"Idempotency-Key": "k"}).json()["error"] == "media-type"
    wrong = maha.raw("POST", path, content='{"change": "new", "urgency": "1"}', headers=keyed)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "malformed")
    assert "$.urgency" in wrong.json()["detail"]
    big = maha.raw("POST", path, content=b'{"text": "' + b"x" * 9000, headers=keyed)
    assert (big.status_code, big.json()["error"]) == (413, "too-big")
    assert maha.raw("GET", path).headers["allow"] == "POST"
    assert maha.raw("GET", "/v1/en/board").json()["error"] == "path"
    for answer in (wrong, big):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["cache-control"] == "no-store"


def test_head_of_a_request_has_a_limit(parts: Parts) -> None:
    with socket.create_connection(("127.0.0.1", parts.api.port), WAIT_S) as connection:
        connection.sendall(b"POST /v1/en/submissions HTTP/1.1\r\nHost: x\r\nX-Long: ")
        with suppress(ConnectionError):  # the server may close before everything has arrived
            connection.sendall(b"x" * 50_000)
            assert b"400 Bad Request" in connection.recv(4096)
            while connection.recv(4096):
                pass


def test_generated_requests_get_the_answers_that_are_described(
    parts: Parts, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "schemathesis.toml").write_text(SCHEMATHESIS, encoding="utf-8")
    token = parts.token("lena")["token"]
    words = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
        *(
            "run",
            f"{parts.api.url}/v1/openapi.json",
            "--header",
            f"Authorization: Bearer {token}",
        ),
        *("--max-examples", "12", "--generation-deterministic", "--phases", "examples,fuzzing"),
    ]
    ran = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout[-20_000:]
    found = re.search(r"(\d+) generated, (\d+) passed", ran.stdout)
    assert found is not None, ran.stdout[-3000:]
    assert int(found[1]) > 40
    request.node.user_properties += count_properties({"postings fuzzed by schemathesis": int(found[1])})


def test_posting_part_may_only_append_to_inboxes(parts: Parts) -> None:
    """Its Redis user was denied nothing in the tests above, and may write only to inboxes of editors with a token."""
    assert parts.denied() == []
    parts.token("maha")
    for words in (
        "XADD ticker:{en}:log * entry x link y",
        "XADD ticker:{en}:receipts:maha * receipt x",
        "HSET ticker:{en}:held k x",
        "HSET ticker:{en}:editors eve chief",
        "HSET ticker:tokens k x",
        "XRANGE ticker:{en}:log - +",
        "XRANGE ticker:{en}:inbox:maha - +",
    ):
        assert parts.server.try_as("ticker-api", *words.split()) == "denied", words
    append = ("XADD", "ticker:{en}:inbox:wire", "*", "submission", "x")
    assert parts.server.try_as("ticker-api", *append) == "denied"  # this editor has no token
    parts.server.add_editor("wire", "-e", "en")
    made = [parts.token("wire", "-e", "en", "--scope", "post") for _ in range(2)]
    assert parts.server.try_as("ticker-api", *append) == "done"
    for each, expected in zip(made, ("done", "denied"), strict=True):
        assert parts.server.ticker("token", "revoke", each["id"], user="ticker-admin").code == 0
        assert parts.server.try_as("ticker-api", *append) == expected


def test_request_that_has_arrived_is_answered_before_the_end(parts: Parts, maha: Client) -> None:
    parts.desk.stop()
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(maha.new, "drain-1", "The last line before the end", deadline_s=20)
        until(lambda: parts.server.command("XLEN", "ticker:{en}:inbox:maha") == 1, "the request is in the inbox")
        assert parts.api.process is not None
        parts.api.process.terminate()
        parts.desk.start()
        answer = waiting.result()
    assert (answer.status_code, answer.json()["status"]) == (201, "on-air"), answer.text
    assert parts.api.wait() == 0
    parts.api.start()
