"""`tick audit`: each act with its author, and the check of the log."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
import redis

from tests.support.audit_system import tick_json
from tests.support.commands import one_line
from tests.support.system import System
from tests.support.terminal import Terminal
from ticker.store.data_folder import socket_path
from ticker.store.keys import Keys


def acts(system: System, *words: str, edition: str = "en") -> list[dict[str, Any]]:
    ran = system.tick("audit", *words, "-e", edition, "--json")
    assert ran.code == 0, ran
    return cast("list[dict[str, Any]]", ran.json["acts"])


def test_audit_of_a_line_shows_each_text_before_and_after_even_if_withdrawn(audit_system: System) -> None:
    line = tick_json(audit_system, "post", "Storm Odile reaches the coast", "-e", "en")["id"]
    tick_json(
        audit_system,
        "correct",
        line,
        "Storm Odile nears the coast",
        "-e",
        "en",
        "--reason",
        "Not there yet",
        editor="omar",
    )
    tick_json(audit_system, "withdraw", line, "-e", "en", "--reason", "It turned away")
    ran = audit_system.tick("audit", line[:6], "-e", "en")
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
    assert re.match(r"\d+  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0900  ", heads[0])  # the edition's zone
    assert re.search(r"^  sent from  .+ \(not verified\)$", ran.out, re.MULTILINE)
    assert re.fullmatch(r"every link checked: entries 1–\d+", lines[-1])


def test_audit_shows_who_refused_rejected_and_approved_and_why(audit_system: System) -> None:
    held = tick_json(audit_system, "post", "Polls close in Valmora", "-e", "en", editor="rana", code=5)["held"]
    tick_json(audit_system, "approve", held, "-e", "en", editor="rana", code=3)
    tick_json(audit_system, "approve", held, "-e", "en", editor="omar")
    rejected = tick_json(audit_system, "post", "Bridge falls into the river", "-e", "en", editor="rana", code=5)["held"]
    tick_json(audit_system, "reject", rejected, "-e", "en", "--reason", "Nobody confirms it", editor="omar")
    tick_json(audit_system, "post", "x" * 200, "-e", "en", "--key", "k-long", editor="rana", code=3)
    first, *others = [
        (each["outcome"], each.get("editor"), each.get("action"), each.get("decided_by"), each.get("decision"))
        for each in acts(audit_system, held)
    ]
    assert first == ("held", "rana", "new", None, None)
    assert others == [("refused", "rana", "approve", "rana", "approve"), ("on-air", "rana", "new", None, None)]
    on_air = acts(audit_system, held)[-1]
    assert (on_air["approved_by"], on_air["after"]["text"]) == ("omar", "Polls close in Valmora")
    dropped = acts(audit_system, rejected)[-1]
    assert (dropped["outcome"], dropped["editor"], dropped["decided_by"], dropped["reason"]) == (
        "dropped",
        "rana",
        "omar",
        "Nobody confirms it",
    )
    (refused,) = [each for each in acts(audit_system, "--editor", "rana") if each["key"] == "k-long"]
    assert (refused["outcome"], refused["errors"][0]["code"]) == ("refused", "too-long")
    assert rejected in audit_system.tick("audit", "-e", "en", "--editor", "omar").out


def test_audit_highlights_a_broken_glass(audit_system: System) -> None:
    words = ("post", "The ceasefire holds", "-e", "en", "--urgency", "1", "--break-glass", "Nobody is here at night")
    line = tick_json(audit_system, *words, editor="cleo")["id"]
    out = audit_system.tick("audit", line, "-e", "en").out
    assert "  BREAK GLASS  without a second person: Nobody is here at night (overrode flash)" in out.splitlines()
    environ = {**audit_system.environ, "TICK_EDITOR": "maha"}
    terminal = Terminal("tick", "audit", line, "-e", "en", environ=environ, columns=120)
    assert terminal.wait() == 0
    assert re.search(r"\x1b\[1;37;41m *BREAK GLASS", terminal.seen)


def test_audit_isolates_each_arabic_text(audit_system: System) -> None:
    line = tick_json(audit_system, "post", "Reuters: هطول أمطار غزيرة على الساحل", "-e", "ar")["id"]
    tick_json(audit_system, "correct", line, "رويترز: هطول أمطار على الساحل", "-e", "ar", "--reason", "كانت خفيفة")
    lines = audit_system.tick("audit", line, "-e", "ar").out.splitlines()
    assert "  before  \u2067\u2068Reuters\u2069: هطول أمطار [-غزيرة-] على الساحل\u2069" in lines
    assert "  after  \u2067\u2068رويترز\u2069: هطول أمطار على الساحل\u2069" in lines
    assert "  source  \u2066Reuters → \u2068رويترز\u2069\u2069" in lines
    for each in lines:
        assert each.count("\u2069") == sum(each.count(mark) for mark in "\u2066\u2067\u2068"), each


def test_audit_names_fields_in_words(audit_system: System) -> None:
    line = tick_json(audit_system, "post", "Tram service: Line 4 runs again", "-e", "en")["id"]
    tick_json(audit_system, "pin", line, "-e", "en", "--for", "2h")
    tick_json(audit_system, "update", line, "Tram line 4 runs again", "-e", "en", "--story", "Trams")
    out = audit_system.tick("audit", line, "-e", "en").out
    assert re.search(r"^  pinned until  none → \d{4}-", out, re.MULTILINE)
    assert "  story  none → Trams" in out.splitlines()
    assert not re.search(r"^  \w*_\w*  ", out, re.MULTILINE)


def test_since_omits_earlier_acts(audit_system: System) -> None:
    tick_json(audit_system, "post", "Ferries run again", "-e", "en")
    instant = acts(audit_system)[-1]["settled_at"]
    assert [each["settled_at"] for each in acts(audit_system, "--since", instant)] == [instant]
    assert len(acts(audit_system, "--since", "2h")) == len(acts(audit_system))


@pytest.mark.parametrize(
    ("named", "why"),
    [("zz", "is too short for an id: type at least 3 characters"), ("zzzz", "has an id that starts with 'zzzz': see")],
)
def test_unknown_id_is_a_usage_error(audit_system: System, named: str, why: str) -> None:
    ran = audit_system.tick("audit", named, "-e", "en")
    assert ran.code == 2
    assert why in one_line(ran)
    assert "tick log" in one_line(ran)


def test_audit_of_a_changed_log_shows_the_broken_link_and_exits_with_1(folder: Any) -> None:
    with System(folder) as system:
        for text in ("Polls close", "Storm nears", "Ferries stop"):
            tick_json(system, "post", text, "-e", "en")
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


def test_last_is_the_line_that_the_editor_posted_last(audit_system: System) -> None:
    line = tick_json(audit_system, "post", "Court: The last one of sara", "-e", "rehearsal", editor="sara")["id"]
    tick_json(audit_system, "post", "Court: A later one of omar", "-e", "rehearsal", editor="omar")
    assert audit_system.tick("withdraw", line, "-e", "rehearsal", "--reason", "It was not", editor="sara").code == 0
    acts = audit_system.tick("audit", "last", "-e", "rehearsal", "--json", editor="sara").json["acts"]
    assert [(act["action"], act["id"]) for act in acts] == [("new", line), ("withdraw", line)]
    newest = audit_system.tick("audit", "last", "-e", "rehearsal", "-n", "1", "--json", editor="sara").json["acts"]
    assert newest == acts[1:]
    ran = audit_system.tick("audit", "last", "-e", "rehearsal", editor="nobody-yet")
    assert ran.code == 2
    assert "nobody-yet has posted nothing to rehearsal" in one_line(ran)
