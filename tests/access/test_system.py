"""The whole system with a user for each part: everything works, nothing is denied, and no password is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import Cluster
from tests.support.guarded_server import GuardedServer, GuardedSystem, run_ticker
from tests.support.readers import RecordingReader
from tests.support.system import Program, environment, run_program
from tests.support.waiting import until


@pytest.fixture(params=["Valkey 9", "Redis 7.0"])
def parts(request: pytest.FixtureRequest, folder: Path) -> Iterator[GuardedSystem]:
    with GuardedServer(folder / "r", redis70=request.param == "Redis 7.0") as server:
        parts = GuardedSystem(server, folder)
        with parts.desk:
            server.add_editor("maha", "-e", "en", "-e", "ar")
            server.add_editor("omar", "-e", "en")
            server.add_editor("rana", "-e", "en", "--role", "reporter")
            server.add_editor("lena", "-e", "en", "--role", "chief")
            server.add_editor("wire", "-e", "en", "--post-only")
            with parts.gateway:
                yield parts


async def test_each_part_works_as_its_own_user_and_is_denied_nothing(parts: GuardedSystem, tmp_path: Path) -> None:
    async with RecordingReader(parts.gateway.url, "en") as reader:
        posted = parts.tick("post", "Maha: first", "-e", "en", "--json")
        assert posted.code == 0, posted
        assert posted.json["reach"]["gateways"] == 1
        assert parts.tick("post", "From a program", "-e", "en", user="wire").code == 0
        assert parts.tick("correct", "last", "Maha: the second", "-e", "en", "--reason", "Not the first").code == 0
        assert parts.tick("post", "عاجل", "-e", "ar").code == 0
        assert parts.tick("withdraw", posted.json["id"], "-e", "en", "--reason", "Wrong", user="omar").code == 0
        await reader.until(lambda: len(reader.lines) == 4)
    for words in (("board", "-e", "en"), ("log", "-e", "en"), ("editions",)):
        assert parts.tick(*words).code == 0
    # After an id from the future, the desk resets the inbox, with commands that it needs for nothing else.
    forged = ("XADD", "ticker:{en}:inbox:omar", "99999999999999-1", "submission", '{"key": "k", "change": "new"}')
    assert parts.server.try_as("omar", *forged) == "done"
    until(lambda: parts.server.command("EXISTS", "ticker:{en}:inbox:omar") == 0, "the inbox is begun anew")
    backup = tmp_path / "a.backup"
    saved = (f"backup {backup}", f"restore {backup} --replace --tokens --yes")
    for command in ("verify en", *saved, "rotate en --yes"):
        assert (await asyncio.to_thread(parts.server.ticker, *command.split(), user="ticker-admin")).code == 0
    assert parts.tick("post", "Of the new history", "-e", "en").code == 0
    parts.desk.stop()
    parts.desk.start()
    assert parts.tick("post", "To the next desk", "-e", "en").code == 0
    assert parts.denied() == []


def test_a_second_person_a_schedule_and_an_audit_are_denied_nothing(parts: GuardedSystem) -> None:
    def ask(*words: str, user: str, code: int = 0) -> Any:
        ran = parts.tick(*words, "-e", "en", "--json", user=user)
        assert ran.code == code, ran
        return ran.json

    held = ask("post", "Polls close in Valmora", user="rana", code=5)["held"]
    ask("pending", user="omar")
    ask("approve", held, user="omar")
    rejected = ask("post", "Bridge falls into the river", user="rana", code=5)["held"]
    ask("reject", rejected, "--reason", "Nobody confirms it", user="omar")
    scheduled = ask("post", "Night train starts in spring", "--at", "+2h", user="omar", code=5)["held"]
    ask("scheduled", user="omar")
    ask("cancel", scheduled, user="omar")
    alone = ask("post", "Ceasefire holds", "--urgency", "1", "--break-glass", "Nobody is here", user="lena")["id"]
    ask("reach", alone, user="lena")
    everything = ask("audit", user="lena")
    assert everything["unread"] == []
    assert {act["outcome"] for act in everything["acts"]} == {"held", "on-air", "dropped"}
    own = ask("audit", user="omar")
    assert own["unread"] == ["lena", "maha", "rana", "wire"]
    assert "rana" not in {act.get("editor") for act in own["acts"] if act["outcome"] != "on-air"}
    assert "you may not read those receipts" in parts.tick("audit", "-e", "en", user="omar").err
    # A removed editor has left receipts, which the chief and the admin can still read.
    assert parts.server.ticker("editor", "remove", "rana").code == 0
    assert rejected in parts.tick("audit", "-e", "en", user="lena").out
    ran = run_program(
        "tick", "audit", "-e", "en", environ=environment(TICKER_REDIS_URL=parts.server.url_of("ticker-admin"))
    )
    assert rejected in ran.out
    assert parts.denied() == []


def test_posting_without_the_right_is_refused_with_a_sentence(parts: GuardedSystem) -> None:
    ran = parts.tick("post", "x", "-e", "ar", user="omar")
    assert ran.code == 4
    assert ran.err.startswith("NOT ON AIR  ar")
    assert "no permissions" in ran.err.lower()
    ran = parts.tick("post", "x", "-e", "en", "--editor", "maha", user="omar")
    assert ran.code == 4
    assert "no permissions" in ran.err.lower()
    assert parts.server.command("XLEN", "ticker:{en}:inbox:maha") == 0
    assert parts.tick("log", "-e", "ar", "--json").json["entries"] == []


def test_no_password_appears_in_a_log_an_output_or_an_error(parts: GuardedSystem, folder: Path) -> None:
    server = parts.server
    parts.tick("post", "x", "-e", "en")
    parts.tick("post", "x", "-e", "ar", "--debug", user="omar")
    parts.tick("log", "-e", "en", "--debug", user="wire")
    wrong = server.url_of("maha").replace(server.passwords["maha"], "not-the-right-password")
    ran = [run_program("tick", "board", "--debug", environ=environment(TICKER_REDIS_URL=wrong))]
    ran += [run_ticker(*words, "--debug", TICKER_REDIS_URL=wrong) for words in (["verify", "en"], ["acl", "apply"])]
    assert [each.code for each in ran] == [4, 1, 1]
    assert server.ticker("editor", "list", "--debug", user="ticker-desk").code == 0
    # Failures during work: a server that is gone, and one that has lost its users.
    server.command("ACL", "DELUSER", "ticker-gateway", "ticker-desk")
    for program in (parts.gateway, parts.desk):
        until(lambda program=program: "WRONGPASS" in program.log or "Authentication" in program.log, "it is told")  # type: ignore[misc]
    server.kill()
    parts.tick("post", "x", "-e", "en", "--wait", "1", "--debug")
    for program in (parts.gateway, parts.desk):
        program.stop()
    texts = [each.out + each.err for each in (*parts.ran, *ran)]
    texts += [path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*log") if path.is_file()]
    assert len(texts) >= 9
    secrets = [*server.passwords.values(), "not-the-right-password"]
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []


def test_in_a_cluster_each_part_works_as_its_own_user(redis_cluster: Cluster, folder: Path) -> None:
    def ticker(*words: str) -> Any:
        ran = run_ticker(*words, "--json", TICKER_REDIS_URL=redis_cluster.url)
        assert ran.code == 0, ran
        return ran.json

    def url_of(user: str) -> str:
        return redis_cluster.url.replace("://", f"://{user}:{passwords[user]}@")

    with ExitStack() as stack:
        for node in redis_cluster.nodes:  # the nodes are shared with other tests
            node.command("ACL", "LOG", "RESET")
            stack.callback(node.command, "ACL", "DELUSER", "maha", "ticker-desk", "ticker-gateway")
        passwords = {user["user"]: user["password"] for user in ticker("acl", "apply")["users"]}
        desk = Program(["desk"], environment(TICKER_REDIS_URL=url_of("ticker-desk")), folder / "desk.log")
        stack.enter_context(desk)
        passwords["maha"] = ticker("editor", "add", "maha", "-e", "en")["password"]
        environ = environment(TICKER_REDIS_URL=url_of("ticker-gateway"))
        gateway = Program(["gateway", "--port", "0"], environ, folder / "gateway.log")
        stack.enter_context(gateway)
        ran = run_program(
            "tick", "post", "x", "-e", "en", "--json", environ=environment(TICKER_REDIS_URL=url_of("maha"))
        )
        assert ran.code == 0, ran
        assert ran.json["reach"]["gateways"] == 1
        assert [entry for node in redis_cluster.nodes for entry in node.command("ACL", "LOG")] == []


def test_editors_may_schedule_decide_and_try_a_dry_run(parts: GuardedSystem) -> None:
    def held(*words: str, user: str = "maha") -> str:
        ran = parts.tick("post", *words, "--json", user=user)
        assert ran.code == 5, ran
        found: str = ran.json["held"]
        return found

    mine = held("Maha: opens at nine", "-e", "en", "--at", "+1h")
    assert parts.tick("scheduled", "-e", "en", "--json", user="omar").json["held"][0]["held"] == mine
    assert parts.tick("pending", "-e", "en").code == 0
    assert parts.tick("cancel", mine, "-e", "en", user="omar").code == 0
    assert parts.tick("post", "Maha: rehearsed", "-e", "en", "--dry-run").code == 0
    assert parts.tick("post", "Omar: by himself", "-e", "en", "--undo", "60s", "--no-wait", user="omar").code == 5
    assert parts.denied() == []
    # These commands read every edition, and this editor may read only one.
    assert parts.tick("undo", user="omar").code == 0
    assert [each["name"] for each in parts.tick("editions", "--json", user="omar").json["editions"]] == ["en"]
    story = parts.tick("post", "Maha: the story", "-e", "en", "--story", "s", "--json").json["id"]
    related = parts.tick("post", "قصة", "-e", "ar", "--story", "s", "--json").json["id"]
    seen_by = {
        user: parts.tick("correct", story, f"{user}: it", "-e", "en", "--reason", "Wrong", "--json", user=user).json
        for user in ("maha", "omar")
    }
    assert [each["id"] for each in seen_by["maha"]["related"]] == [related]
    assert seen_by["omar"]["related"] == []
