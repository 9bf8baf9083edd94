"""The commands that put lines on air and change them, against a running system."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.commands import Post, on_board, one_line
from tests.support.system import System, run_program


def test_a_post_says_in_one_line_what_is_on_air_and_how_far_it_came(system: System) -> None:
    ran = system.tick("post", "Weather office: It rains in Valmora", "-e", "en")
    assert ran.code == 0
    assert ran.err == ""
    assert re.fullmatch(
        r'on air  en \d+  "Weather office: It rains in Valmora"  \(id [0-9a-z]{10}\)'
        r" · 1 gateway · \d+ readers? · (under 1|\d+) ms\n",
        ran.out,
    )


def test_a_receipt_as_json_has_every_field_of_the_design(system: System) -> None:
    ran = system.tick("post", "Ferries stop", "-e", "en", "--json")
    receipt = ran.json
    assert ran.code == 0
    assert receipt.keys() == {
        "status", "edition", "id", "version", "position", "published_at", "key", "warnings", "errors", "reach",
        "action", "held", "due_at", "needs", "decided_by", "reason", "test",
    }  # fmt: skip
    assert receipt["status"] == "on-air"
    assert receipt["edition"] == "en"
    assert receipt["version"] == 1
    assert receipt["reach"]["gateways"] == 1
    assert datetime.fromisoformat(receipt["published_at"]).tzinfo is not None


def test_a_plain_post_imports_nothing_that_takes_its_time(system: System) -> None:
    words = [sys.executable, "-X", "importtime", "-c", "from publisher_cli.cli import main; main()"]
    done = subprocess.run(
        [*words, "post", "Harbour: A plain line of its own", "-e", "en"],
        env={**system.environ, "TICK_EDITOR": "maha"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "publisher_cli.submit.change" in imported
    slow = ("regex", "langcodes", "rapidfuzz", "dateparser", "rich", "textual", "zoneinfo")
    assert imported.isdisjoint(slow)


def test_no_reach_asks_for_none(system: System) -> None:
    assert system.tick("post", "Quiet", "-e", "en", "--json", "--no-reach").json["reach"] is None


def test_every_field_of_a_post_arrives(system: System) -> None:
    begun = datetime.now(UTC)
    ran = system.tick(
        "post", "Port Isel: Bridge opens", "-e", "en", "--section", "Economy", "--region", "europe", "--region", "Asia",
        "--urgency", "2", "--url", "https://news.example/1", "--expires", "2h", "--pin", "30m",
        "--note", "from the wire",
        "--lang", "en-GB", "--json",
    )  # fmt: skip
    line = on_board(system, ran.json["id"])
    assert line is not None
    assert line.text == "Bridge opens"
    assert line.attribution == "Port Isel"
    assert line.section == "economy"
    assert line.regions == ("europe", "asia")
    assert line.urgency == 2
    assert line.url == "https://news.example/1"
    assert line.lang == "en-GB"
    assert line.expires_at is not None
    assert line.pinned_until is not None
    assert timedelta(hours=2) <= line.expires_at - begun < timedelta(hours=2, minutes=1)
    assert timedelta(minutes=30) <= line.pinned_until - begun < timedelta(minutes=31)
    entry = system.tick("log", "-e", "en", "--json", "-n", "1").json["entries"][0]
    assert entry["note"] == "from the wire"
    assert entry["editor"] == "maha"


def test_times_are_read_back(system: System) -> None:
    ran = system.tick("post", "Gates close", "-e", "en", "--expires", "90m", TZ="UTC")
    assert re.search(r"^  expires .*\d\d:\d\d UTC \(in 1 h 30 min\)$", ran.out, re.MULTILINE), ran


def test_no_split_leaves_the_text_whole(system: System, post: Post) -> None:
    line = on_board(system, post("Score: 2-0", "--no-split"))
    assert line is not None
    assert (line.text, line.attribution) == ("Score: 2-0", None)


def test_an_attribution_can_be_given_by_itself(system: System, post: Post) -> None:
    line = on_board(system, post("Score: 2-0", "--attribution", "Cup of the Lakes"))
    assert line is not None
    assert (line.text, line.attribution) == ("Score: 2-0", "Cup of the Lakes")


def test_an_update_changes_what_was_given_and_keeps_the_rest(system: System, post: Post) -> None:
    line_id = post("Storm near", "--section", "environment", "--url", "https://news.example/2")
    ran = system.tick("update", line_id, "Storm here", "-e", "en", "--urgency", "1")
    assert ran.out.startswith("updated  en ")
    assert '"Storm here"' in ran.out
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.version, line.urgency, line.section) == ("Storm here", 2, 1, "environment")


def test_an_update_without_a_text_changes_a_field_and_an_empty_one_takes_it_away(system: System, post: Post) -> None:
    line_id = post("Storm near", "--section", "environment", "--url", "https://news.example/2")
    assert system.tick("update", line_id, "-e", "en", "--url", "", "--section", "health").code == 0
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.url, line.section) == ("Storm near", None, "health")


def test_a_correction_tells_readers_what_was_wrong(system: System, post: Post) -> None:
    line_id = post("Three ferries damaged")
    ran = system.tick("correct", line_id, "Two ferries damaged", "-e", "en", "--reason", "We said three.")
    assert ran.out.startswith("corrected  en ")
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.correction, line.change) == ("Two ferries damaged", "We said three.", "correct")


def test_a_correction_needs_a_reason_and_a_note_is_none(system: System, post: Post) -> None:
    line_id = post("Three ferries damaged")
    ran = system.tick("correct", line_id, "Two", "-e", "en", "--note", "for us only")
    assert ran.code == 2
    assert "--reason" in one_line(ran)


def test_a_refile_says_nothing_to_readers(system: System, post: Post) -> None:
    line_id = post("Stomr here")
    assert system.tick("refile", line_id, "Storm here", "-e", "en").out.startswith("refiled  en ")
    line = on_board(system, line_id)
    assert line is not None
    assert (line.text, line.correction) == ("Storm here", None)


def test_a_withdrawal_names_the_text_that_is_gone(system: System, post: Post) -> None:
    line_id = post("Dam breaks at Northam")
    ran = system.tick("withdraw", line_id, "-e", "en", "--reason", "It did not.")
    assert ran.code == 0
    assert ran.out.startswith("withdrawn  en ")
    assert '"Dam breaks at Northam"' in ran.out
    line = on_board(system, line_id)
    assert line is not None
    assert (line.status, line.text, line.correction) == ("canceled", "", "It did not.")
    assert "Dam breaks" not in system.tick("board", "-e", "en", "-n", "100").out


def test_a_withdrawal_needs_a_reason(system: System, post: Post) -> None:
    ran = system.tick("withdraw", post("Not so"), "-e", "en")
    assert ran.code == 2
    assert "--reason" in one_line(ran)


def test_a_held_line_is_off_the_board_until_it_is_released(system: System, post: Post) -> None:
    line_id = post("Names are known")
    assert system.tick("hide", line_id, "-e", "en", "--note", "police asked").out.startswith("off the board  en ")
    assert on_board(system, line_id) is None
    assert system.tick("unhide", line_id, "-e", "en").out.startswith("on air again  en ")
    line = on_board(system, line_id)
    assert line is not None
    assert line.text == "Names are known"


def test_a_pin_keeps_a_line_on_top_until_it_is_unpinned(system: System, post: Post) -> None:
    line_id = post("Votes are counted")
    assert system.tick("pin", line_id, "-e", "en", "--for", "7d").code == 0  # longer than any other test's
    post("Newer")
    first = system.tick("board", "-e", "en", "--json").json["lines"][0]
    assert system.tick("unpin", line_id, "-e", "en").code == 0
    assert first["id"] == line_id
    line = on_board(system, line_id)
    assert line is not None
    assert line.pinned_until is None


def test_the_desk_refuses_with_one_line_for_each_finding(system: System) -> None:
    ran = system.tick("post", f"Wire: {'words ' * 33}on", "-e", "en", "--section", "gossip")
    assert ran.code == 3
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("refused  en  ") for line in lines)
    assert any("shorten it by 40" in line and line.endswith("[too-long]") for line in lines)
    assert any("politics, economy" in line and line.endswith("[section]") for line in lines)


def test_a_refusal_as_json_is_a_receipt(system: System) -> None:
    ran = system.tick("post", "", "-e", "en", "--json")
    assert ran.code == 3
    assert ran.json["status"] == "refused"
    assert [finding["code"] for finding in ran.json["errors"]] == ["empty"]


def test_a_warning_is_shown_and_the_line_goes_on_air(system: System) -> None:
    ran = system.tick("post", f"Wire: {'words ' * 19}enough", "-e", "en")
    assert ran.code == 0
    assert ran.out.startswith("on air")
    assert "warning: the text has 120 characters" in one_line(ran)


def test_a_change_of_what_is_no_longer_the_latest_is_refused(system: System, post: Post) -> None:
    line_id = post("First")
    assert system.tick("update", line_id, "Second", "-e", "en").code == 0
    ran = system.tick("update", line_id, "Third", "-e", "en", "--version", "1")
    assert ran.code == 3
    assert "version 1" in one_line(ran)
    assert "look at version 2" in ran.err


def test_the_same_key_again_gets_the_same_receipt(system: System) -> None:
    first, second = (
        system.tick("post", "Once only", "-e", "en", "--key", "once", "--json", "--no-reach") for _ in range(2)
    )
    assert first.code == second.code == 0
    assert first.out == second.out
    log = system.tick("log", "-e", "en", "-n", "1000", "--json").json["entries"]
    assert len([entry for entry in log if entry["key"] == "once"]) == 1


def test_last_is_the_line_that_this_editor_posted_last(system: System, post: Post) -> None:
    mine = post("Mine", editor="omar")
    post("Hers", editor="lina")
    assert system.tick("update", "last", "Mine, newer", "-e", "en", "--json", editor="omar").json["id"] == mine


def test_last_is_nothing_for_who_has_posted_nothing(system: System) -> None:
    ran = system.tick("withdraw", "last", "-e", "en", "--reason", "none", editor="newcomer")
    assert ran.code == 2
    assert "newcomer has posted nothing to en" in one_line(ran)


def test_an_id_may_be_cut_short_as_long_as_it_fits_one_line(system: System, post: Post) -> None:
    line_id = post("Cut short")
    assert system.tick("update", line_id[:7], "Cut", "-e", "en", "--json").json["id"] == line_id


def test_an_id_of_two_characters_is_too_short(system: System) -> None:
    ran = system.tick("update", "zz", "x", "-e", "en")
    assert ran.code == 2
    assert "too short for an id" in one_line(ran)


def test_an_id_of_no_line_is_refused(system: System) -> None:
    ran = system.tick("update", "zzzzzzzzzz", "x", "-e", "en")
    assert ran.code == 2
    assert "no line of en" in one_line(ran)
    assert "tick log" in ran.err


def test_without_an_edition_the_editions_are_named(system: System) -> None:
    ran = system.tick("post", "Where?")
    assert ran.code == 2
    assert "several editions exist (ar, en, es): choose one with -e" in one_line(ran)
    assert system.tick("post", "Here", TICK_EDITION="es").out.startswith("on air  es ")


def test_an_edition_that_is_not_there_is_refused_with_those_that_are(system: System) -> None:
    ran = system.tick("post", "Where?", "-e", "fr")
    assert ran.code == 2
    assert "there is no edition fr: there are ar, en, es" in one_line(ran)


def test_a_time_that_is_none_is_refused_and_nothing_is_sent(system: System) -> None:
    ran = system.tick("post", "When?", "-e", "en", "--expires", "soonish", "--json")
    assert ran.code == 2
    assert "write how long from now" in ran.err
    assert ran.json["error"] == "error"


def test_a_time_in_the_past_is_refused_by_the_desk(system: System) -> None:
    ran = system.tick("post", "When?", "-e", "en", "--expires", "2020-01-01T00:00Z")
    assert ran.code == 3
    assert "not in the future" in ran.err


@pytest.mark.parametrize(("name", "why"), [("Ma ha", "is not a name"), ("9lives", "is not a name")])
def test_an_editor_has_a_name_that_can_stand_in_a_key(system: System, name: str, why: str) -> None:
    ran = system.tick("post", "Who?", "-e", "en", editor=name)
    assert ran.code == 2
    assert why in one_line(ran)


def test_the_editor_is_the_system_user_where_nobody_is_named(system: System) -> None:
    variables = {**system.environ, "LOGNAME": "Maria.López"}
    assert run_program("tick", "post", "I", "-e", "en", environ=variables).code == 0
    entry = system.tick("log", "-e", "en", "-n", "1", "--json").json["entries"][0]
    assert entry["editor"] == "maria-l-pez"


def test_an_arabic_line_is_set_by_its_own_direction(system: System) -> None:
    ran = system.tick("post", "Halcyon: المسبار يدخل المدار", "-e", "ar")
    assert '"\u2067Halcyon: المسبار يدخل المدار\u2069"' in ran.out
