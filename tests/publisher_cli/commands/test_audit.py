"""`tick audit` and `tick reach`, and the mark of test editions: of a system with a second person and a rehearsal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest
import redis

from tests.support.commands import one_line
from tests.support.servers import short_folder
from tests.support.system import System
from tests.support.terminal import Terminal
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys
from ticker.store.reach import Report

SETTINGS = """
[editions.en]
title = "Breaking news"
lang = "en"
dir = "ltr"
second_person = ["flash", "reporter"]
zone = "Asia/Tokyo"
[editions.ar]
title = "أخبار عاجلة"
lang = "ar"
dir = "rtl"
[editions.rehearsal]
title = "Rehearsal"
lang = "en"
dir = "ltr"
test = true
"""


@pytest.fixture(scope="module")
def newsroom() -> Iterator[System]:
    """A chief (cleo), a reporter (rana) and editors."""
    with short_folder() as folder:
        (folder / "ticker.toml").write_text(SETTINGS, encoding="utf-8")
        with System(folder, "--settings", str(folder / "ticker.toml")) as running:
            for name, role in (("cleo", "chief"), ("rana", "reporter")):
                assert running.ticker("editor", "add", name, "-e", "en", "--role", role).code == 0
            yield running


def ask(system: System, *words: str, editor: str = "maha", code: int = 0) -> Any:
    ran = system.tick(*words, "--json", "--no-reach", editor=editor)
    assert ran.code == code, ran
    return ran.json


def acts(system: System, *words: str, edition: str = "en") -> list[dict[str, Any]]:
    ran = system.tick("audit", *words, "-e", edition, "--json")
    assert ran.code == 0, ran
    return cast("list[dict[str, Any]]", ran.json["acts"])


def test_the_audit_of_a_line_shows_each_text_before_and_after_and_what_was_taken_back(newsroom: System) -> None:
    line = ask(newsroom, "post", "Storm Odile reaches the coast", "-e", "en")["id"]
    ask(
        newsroom, "correct", line, "Storm Odile nears the coast", "-e", "en", "--reason", "Not there yet", editor="omar"
    )
    ask(newsroom, "withdraw", line, "-e", "en", "--reason", "It turned away")
    ran = newsroom.tick("audit", line[:6], "-e", "en")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert "  text  Storm Odile reaches the coast" in lines
    assert "  before  Storm Odile [-reaches-] the coast" in lines
    assert "  after  Storm Odile {+nears+} the coast" in lines
    assert "  readers see  Not there yet" in lines
    assert "  before  Storm Odile nears the coast" in lines
    assert "  after  [withdrawn] It turned away" in lines
    heads = [each for each in lines if line in each]
    assert [re.sub(r".*  (new|correct|withdraw)", r"\1", each) for each in heads] == [
        f"new  {line} v1  by maha",
        f"correct  {line} v2  by omar",
        f"withdraw  {line} v3  by maha",
    ]
    assert re.match(r"\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0900  ", heads[0])  # the zone of the desk
    assert re.search(r"^  sent from  .+ \(not verified\)$", ran.out, re.MULTILINE)
    assert re.fullmatch(r"every link checked: entries 1–\d+", lines[-1])


def test_refusals_rejections_and_approvals_say_who_and_why(newsroom: System) -> None:
    held = ask(newsroom, "post", "Polls close in Valmora", "-e", "en", editor="rana", code=5)["held"]
    ask(newsroom, "approve", held, "-e", "en", editor="rana", code=3)
    ask(newsroom, "approve", held, "-e", "en", editor="omar")
    rejected = ask(newsroom, "post", "Bridge falls into the river", "-e", "en", editor="rana", code=5)["held"]
    ask(newsroom, "reject", rejected, "-e", "en", "--reason", "Nobody confirms it", editor="omar")
    ask(newsroom, "post", "x" * 200, "-e", "en", "--key", "k-long", editor="rana", code=3)
    first, *others = [
        (each["outcome"], each.get("editor"), each.get("action"), each.get("decided_by"), each.get("decision"))
        for each in acts(newsroom, held)
    ]
    assert first == ("held", "rana", "new", None, None)
    assert others == [("refused", "rana", "approve", "rana", "approve"), ("on-air", "rana", "new", None, None)]
    on_air = acts(newsroom, held)[-1]
    assert (on_air["approved_by"], on_air["after"]["text"]) == ("omar", "Polls close in Valmora")
    dropped = acts(newsroom, rejected)[-1]
    assert (dropped["outcome"], dropped["editor"], dropped["decided_by"], dropped["reason"]) == (
        "dropped",
        "rana",
        "omar",
        "Nobody confirms it",
    )
    (refused,) = [each for each in acts(newsroom, "--editor", "rana") if each["key"] == "k-long"]
    assert (refused["outcome"], refused["errors"][0]["code"]) == ("refused", "too-long")
    assert rejected in newsroom.tick("audit", "-e", "en", "--editor", "omar").out


def test_a_chief_who_goes_alone_is_shouted(newsroom: System) -> None:
    words = ("post", "Ceasefire holds", "-e", "en", "--urgency", "1", "--break-glass", "Nobody is here at night")
    line = ask(newsroom, *words, editor="cleo")["id"]
    out = newsroom.tick("audit", line, "-e", "en").out
    assert "  BREAK GLASS  without a second person: Nobody is here at night (overrode flash)" in out.splitlines()
    environ = {**newsroom.environ, "TICK_EDITOR": "maha"}
    terminal = Terminal("tick", "audit", line, "-e", "en", environ=environ, columns=120)
    assert terminal.wait() == 0
    assert re.search(r"\x1b\[1;37;41m *BREAK GLASS", terminal.seen)


def test_arabic_texts_stand_right_to_left_each_by_itself(newsroom: System) -> None:
    line = ask(newsroom, "post", "Reuters: هطول أمطار غزيرة على الساحل", "-e", "ar")["id"]
    ask(newsroom, "correct", line, "رويترز: هطول أمطار على الساحل", "-e", "ar", "--reason", "كانت خفيفة")
    lines = newsroom.tick("audit", line, "-e", "ar").out.splitlines()
    assert "  before  \u2067\u2068Reuters\u2069: هطول أمطار [-غزيرة-] على الساحل\u2069" in lines
    assert "  after  \u2067\u2068رويترز\u2069: هطول أمطار على الساحل\u2069" in lines
    assert "  attribution  \u2066Reuters → \u2068رويترز\u2069\u2069" in lines
    for each in lines:
        assert each.count("\u2069") == sum(each.count(mark) for mark in "\u2066\u2067\u2068"), each


def test_since_leaves_out_what_was_before(newsroom: System) -> None:
    ask(newsroom, "post", "Ferries run again", "-e", "en")
    instant = acts(newsroom)[-1]["settled_at"]
    assert [each["settled_at"] for each in acts(newsroom, "--since", instant)] == [instant]
    assert len(acts(newsroom, "--since", "2h")) == len(acts(newsroom))


@pytest.mark.parametrize(
    ("named", "why"),
    [("zz", "is too short for an id: type at least 3 characters"), ("zzzz", "has an id that starts with 'zzzz': see")],
)
def test_an_id_that_nothing_has_is_said_to_be_unknown(newsroom: System, named: str, why: str) -> None:
    ran = newsroom.tick("audit", named, "-e", "en")
    assert ran.code == 2
    assert why in one_line(ran)
    assert "tick log" in one_line(ran)


# A log that doesn't hold


def test_a_log_that_was_changed_is_said_loudly_and_ends_with_1(folder: Any) -> None:
    with System(folder) as system:
        for text in ("Polls close", "Storm nears", "Ferries stop"):
            ask(system, "post", text, "-e", "en")
        with redis.Redis(unix_socket_path=str(socket_path(system.redis_url))) as client:
            entries = cast("Any", client.xrange(Keys("en").log))
            client.delete(Keys("en").log)
            for seq, (stream_id, fields) in enumerate(entries, 1):
                forged = fields[b"entry"].replace(b"Storm", b"Stork") if seq == 2 else fields[b"entry"]
                client.xadd(Keys("en").log, {"entry": forged, "link": fields[b"link"]}, id=stream_id)
        ran = system.tick("audit", "-e", "en")
        assert ran.code == 1
        assert "Stork" not in ran.out
        last = ran.out.splitlines()[-1]
        assert last.startswith("THE LOG IS BROKEN  at 2: entry 2 doesn't link")
        assert last.endswith("every link before it is correct: entries 1–1")
        document = system.tick("audit", "-e", "en", "--json")
        assert document.code == 1
        assert (document.json["chain"]["holds"], document.json["chain"]["fails_at"]) == (False, 2)


# Reach


def test_the_reach_of_each_version_is_shown_and_from_how_many_screens_it_is_gone(newsroom: System) -> None:
    line = ask(newsroom, "post", "قطار ليلي يبدأ في الربيع", "-e", "ar")["id"]
    withdrawn = newsroom.tick("withdraw", line, "-e", "ar", "--reason", "It does not")  # waits for the gateway's word
    assert withdrawn.code == 0
    ran = newsroom.tick("reach", "last", "-e", "ar")
    head, first, second = ran.out.splitlines()
    assert head == f"ar  (id {line})"
    assert re.fullmatch(r"  \d+  \d\d:\d\d:\d\d  v1  on air  1 gateway · 0 readers · (under 1|\d+) ms", first)
    assert re.fullmatch(
        r"  \d+  \d\d:\d\d:\d\d  v2  withdrawn  gone from 0 readers' screens · 1 gateway · (under 1|\d+) ms", second
    )
    document = newsroom.tick("reach", line, "-e", "ar", "--json").json
    assert [version["reach"]["gateways"] for version in document["versions"]] == [1, 1]
    assert document["unheard"] == []


def test_a_gateway_that_showed_a_line_and_is_silent_on_its_withdrawal_is_named(newsroom: System) -> None:
    line = ask(newsroom, "post", "رئيس البلدية يستقيل", "-e", "ar")
    seq = int(line["position"].partition("-")[0])
    report = Report(gateway="far-away:1:8080", first=seq, last=seq, followers=7, ms=3.0)
    add_report(newsroom, report)
    assert newsroom.tick("withdraw", line["id"], "-e", "ar", "--reason", "Mistaken").code == 0
    ran = newsroom.tick("reach", line["id"], "-e", "ar")
    assert "far-away:1:8080 sent an earlier version to readers and has not reported version 2" in one_line(ran)
    assert newsroom.tick("reach", line["id"], "-e", "ar", "--json").json["unheard"] == ["far-away:1:8080"]
    add_report(newsroom, Report(gateway="far-away:1:8080", first=seq + 1, last=seq + 9, followers=0, ms=3.0))
    assert newsroom.tick("reach", line["id"], "-e", "ar").err == ""


def add_report(system: System, report: Report) -> None:
    with redis.Redis(unix_socket_path=str(socket_path(system.redis_url))) as client:
        client.xadd(Keys("ar").reach, {"report": msgspec.json.encode(report)})


# Tests and the public


def test_a_test_edition_is_marked_wherever_it_is_shown(newsroom: System) -> None:
    posted = newsroom.tick("post", "A rehearsal of the evening", "-e", "rehearsal")
    assert posted.out.startswith("on air  rehearsal [TEST] ")
    assert ask(newsroom, "post", "Once more", "-e", "rehearsal")["test"] is True
    assert newsroom.tick("post", "x" * 200, "-e", "rehearsal").err.startswith("refused  rehearsal [TEST] ")
    for words in (("board",), ("log",), ("audit",), ("pending",), ("scheduled",)):
        assert newsroom.tick(*words, "-e", "rehearsal").err.startswith("rehearsal [TEST]  "), words
    assert newsroom.tick("reach", "last", "-e", "rehearsal").out.startswith("rehearsal [TEST]  ")
    assert "rehearsal [TEST]  Rehearsal" in newsroom.tick("editions").out
    assert "[TEST]" not in newsroom.tick("board", "-e", "en").err


def test_a_withdrawal_of_a_test_offers_no_line_of_the_public(newsroom: System) -> None:
    story = ("--story", "storm-odile")
    ask(newsroom, "post", "العاصفة تقترب من الساحل", "-e", "ar", *story)
    line = ask(newsroom, "post", "Storm nears, in the rehearsal", "-e", "rehearsal", *story)["id"]
    withdrawn = ask(newsroom, "withdraw", line, "-e", "rehearsal", "--reason", "A rehearsal")
    assert withdrawn["sisters"] == []


def test_a_system_does_not_start_on_an_edition_of_the_other_kind(folder: Any) -> None:
    settings = folder / "ticker.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    with System(folder, "--settings", str(settings)) as system:
        ask(system, "post", "A rehearsal", "-e", "rehearsal")
    settings.write_text(SETTINGS.replace("test = true", "test = false"), encoding="utf-8")
    ran = system.ticker(*system.words)
    assert ran.code == 2
    assert "edition rehearsal is a test edition and in use, but the settings make it public" in ran.err
    assert "Traceback" not in ran.err
