"""`tick post`, on a running system: its options, its receipt and its errors."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.commands import Post, on_board, one_line
from tests.support.prefork import SCRIPTS
from tests.support.system import Ran, System, run_program
from tests.support.terminal import Terminal
from tests.support.waiting import until


def test_post_prints_one_line_with_the_text_and_the_reach(system: System) -> None:
    ran = system.tick("post", "Weather office: It rains in Valmora", "-e", "en")
    assert ran.code == 0
    assert ran.err == ""
    assert re.fullmatch(
        r'on air  en \d+  "Weather office: It rains in Valmora"  \(id [0-9a-z]{10}\)'
        r" · 1 gateway · \d+ readers? · (under 1|\d+) ms\n  source: Weather office\n",
        ran.out,
    )


def test_json_receipt_has_every_field(system: System) -> None:
    ran = system.tick("post", "Ferries stop", "-e", "en", "--json")
    receipt = ran.json
    assert ran.code == 0
    assert receipt.keys() == {
        "status", "edition", "id", "version", "position", "published_at", "key", "warnings", "errors", "reach",
        "action", "held", "due_at", "needs", "decided_by", "reason", "test", "attribution", "retry_after_s", "history",
        "text",
    }  # fmt: skip
    assert receipt["status"] == "on-air"
    assert receipt["edition"] == "en"
    assert receipt["version"] == 1
    assert receipt["reach"]["gateways"] == 1
    assert datetime.fromisoformat(receipt["published_at"]).tzinfo is not None


SLOW = frozenset(
    """
    asyncio redis ssl logging subprocess tempfile shutil importlib.resources hashlib email json dataclasses secrets
    regex langcodes rapidfuzz dateparser babel rich textual zoneinfo structlog keyring platformdirs typing_extensions
    """.split()  # noqa: SIM905 -- one name per line would fill the screen
)
"""Modules whose import would delay a receipt. docs/performance.md has what each of the first costs."""


def test_plain_post_imports_no_slow_module(system: System) -> None:
    words = [sys.executable, "-v", "-c", "from publisher_cli.__main__ import main; main()"]
    done = subprocess.run(
        [*words, "post", "Harbour: A plain line of its own", "-e", "en"],
        env={**system.environ, "TICK_EDITOR": "maha"}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    imported = set(re.findall(r"^import '?([\w.]+)'? #", done.stderr, re.MULTILINE))
    assert "publisher_cli.submit.change" in imported
    assert imported & SLOW == set()
    # The options of the other commands, and what reads the log.
    assert imported.isdisjoint(("publisher_cli.commands.change", "publisher_cli.history"))


def test_no_reach_omits_the_reach(system: System) -> None:
    assert system.tick("post", "Quiet", "-e", "en", "--json", "--no-reach").json["reach"] is None


def test_every_option_of_post_reaches_the_line(system: System) -> None:
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


def test_receipt_repeats_the_times(system: System) -> None:
    ran = system.tick("post", "Gates close", "-e", "en", "--expires", "90m", TZ="UTC")
    assert re.search(r"^  expires .*\d\d:\d\d UTC \(in 1 h 30 min\)$", ran.out, re.MULTILINE), ran


def test_limit_of_a_time_is_reported_in_the_words_of_the_command(system: System, post: Post) -> None:
    line_id = post("Gates stay open")
    for words, start in (
        (("pin", line_id, "--for", "8d"), "refused  en  --for 8d is more than 7 days away: choose an earlier one"),
        (("post", "Gates open", "--pin", "9d"), "refused  en  --pin 9d is more than 7 days away"),
        (("post", "Gates open", "--at", "500d"), "refused  en  --at 500d is more than 366 days away"),
        (("post", "Gates open", "--expires", "2020-01-01T10:00"), "refused  en  --expires 2020-01-01T10:00 is not in"),
    ):
        ran = system.tick(*words, "-e", "en")
        assert ran.code == 3
        assert ran.err.startswith(start), ran
        assert "`pinned_until`" not in ran.err
    dry = system.tick("pin", line_id, "-e", "en", "--for", "8d", "--dry-run")
    assert "refused: --for 8d is more than 7 days away" in dry.out


def test_removed_character_is_named_and_not_repeated(system: System) -> None:
    ran = system.tick("post", "Gates\u200b close", "-e", "en", "--no-reach")
    assert '"Gates close"' in ran.out
    assert "warning: the text has an invisible character, ZERO WIDTH SPACE (U+200B): it is left out" in ran.err


def test_no_split_keeps_the_text_whole(system: System, post: Post) -> None:
    line = on_board(system, post("Score: 2-0", "--no-split"))
    assert line is not None
    assert (line.text, line.attribution) == ("Score: 2-0", None)


def test_attribution_option_sets_the_attribution(system: System, post: Post) -> None:
    line = on_board(system, post("Score: 2-0", "--attribution", "Cup of the Lakes"))
    assert line is not None
    assert (line.text, line.attribution) == ("Score: 2-0", "Cup of the Lakes")


def test_refusal_prints_one_line_per_finding(system: System) -> None:
    ran = system.tick("post", f"Wire: {'words ' * 33}on", "-e", "en", "--section", "gossip")
    assert ran.code == 3
    assert ran.out == ""
    lines = ran.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("refused  en  ") for line in lines)
    assert any("shorten it by 40" in line and line.endswith("[too-long]") for line in lines)
    assert any("politics, economy" in line and line.endswith("[section]") for line in lines)


def test_json_refusal_is_a_receipt(system: System) -> None:
    ran = system.tick("post", "", "-e", "en", "--json")
    assert ran.code == 3
    assert ran.json["status"] == "refused"
    assert [finding["code"] for finding in ran.json["errors"]] == ["empty"]


def test_line_with_a_warning_is_on_air(system: System) -> None:
    ran = system.tick("post", f"Wire: {'words ' * 19}enough", "-e", "en")
    assert ran.code == 0
    assert ran.out.startswith("on air")
    assert "warning: the text has 120 characters" in one_line(ran)


def test_same_key_gets_the_same_receipt(system: System) -> None:
    first, second = (
        system.tick("post", "Once only", "-e", "en", "--key", "once", "--json", "--no-reach") for _ in range(2)
    )
    assert first.code == second.code == 0
    assert first.out == second.out
    log = system.tick("log", "-e", "en", "-n", "1000", "--json").json["entries"]
    assert len([entry for entry in log if entry["key"] == "once"]) == 1


def test_missing_edition_error_lists_the_editions(system: System) -> None:
    ran = system.tick("post", "Where?")
    assert ran.code == 2
    assert "several editions exist (en, ar, es): choose one with -e" in one_line(ran)
    assert system.tick("post", "Here", TICK_EDITION="es").out.startswith("on air  es ")


def test_unknown_edition_error_lists_the_editions(system: System) -> None:
    ran = system.tick("post", "Where?", "-e", "fr")
    assert ran.code == 2
    assert "there is no edition fr: there are en, ar, es" in one_line(ran)


def test_invalid_time_is_a_usage_error(system: System) -> None:
    ran = system.tick("post", "When?", "-e", "en", "--expires", "soonish", "--json")
    assert ran.code == 2
    assert "write how long from now" in ran.err
    assert ran.json["error"] == "error"


def test_desk_refuses_a_past_expiry(system: System) -> None:
    ran = system.tick("post", "When?", "-e", "en", "--expires", "2020-01-01T00:00Z")
    assert ran.code == 3
    assert "not in the future" in ran.err


@pytest.mark.parametrize(("name", "why"), [("Ma ha", "is not a name"), ("9lives", "is not a name")])
def test_invalid_editor_name_is_a_usage_error(system: System, name: str, why: str) -> None:
    ran = system.tick("post", "Who?", "-e", "en", editor=name)
    assert ran.code == 2
    assert why in one_line(ran)


def test_editor_defaults_to_the_login_name(system: System) -> None:
    variables = {**system.environ, "LOGNAME": "Maria.López"}
    assert run_program("tick", "post", "I", "-e", "en", environ=variables).code == 0
    entry = system.tick("log", "-e", "en", "-n", "1", "--json").json["entries"][0]
    assert entry["editor"] == "maria-l-pez"


def test_receipt_isolates_an_arabic_text(system: System) -> None:
    ran = system.tick("post", "Halcyon: المسبار يدخل المدار", "-e", "ar")
    assert '"\u2067Halcyon: المسبار يدخل المدار\u2069"' in ran.out


@pytest.mark.parametrize("words", [("post",), ("post", "-")])
def test_text_is_read_from_standard_input(system: System, words: tuple[str, ...]) -> None:
    ran = _piped(system, "From a pipe\n", *words, "-e", "en", "--json")
    assert ran.code == 0, ran
    line = on_board(system, ran.json["id"])
    assert line is not None
    assert line.text == "From a pipe"


def test_several_lines_on_standard_input_are_a_usage_error(system: System) -> None:
    ran = _piped(system, "One\nTwo\n", "post", "-e", "en")
    assert ran.code == 2
    assert "standard input has 2 lines" in one_line(ran)


def test_text_above_the_limit_of_standard_input_is_a_usage_error_with_the_limit(system: System) -> None:
    ran = _piped(system, "x" * 70_000, "post", "-", "-e", "en")
    assert ran.code == 2
    assert "standard input has more than 65,536 bytes" in one_line(ran)


def test_terminal_is_told_what_the_command_waits_for(system: System) -> None:
    terminal = Terminal("tick", "post", "-", "-e", "en", environ={**system.environ, "TICK_EDITOR": "maha"})
    until(lambda: "type the line and press Enter; Ctrl-C ends without posting it" in terminal.seen, "the hint")
    terminal.type("Port: Typed on a terminal\n")
    assert terminal.wait() == 0
    assert '"Port: Typed on a terminal"' in terminal.seen


@pytest.mark.parametrize(("typed", "urgency"), [("flash", 1), ("Bulletin", 2), ("urgent", 3), ("routine", 4), ("7", 7)])
def test_urgency_is_a_name_or_a_number(system: System, post: Post, typed: str, urgency: int) -> None:
    line = on_board(system, post("Port: How urgent is it", "--urgency", typed))
    assert line is not None
    assert line.urgency == urgency


def test_edition_may_be_in_capitals(system: System) -> None:
    assert system.tick("post", "Port: In capitals", "-e", "EN", "--no-reach").out.startswith("on air  en ")


def test_url_without_a_scheme_is_offered_with_https(system: System) -> None:
    ran = system.tick("post", "Port: A link", "-e", "en", "--url", "news.example/1")
    assert ran.code == 3
    assert "use https://news.example/1  [url]" in one_line(ran)


@pytest.mark.parametrize("key", ["k" * 129, "two\nlines"])
def test_key_that_the_desk_could_not_answer_is_a_usage_error(system: System, key: str) -> None:
    ran = system.tick("post", "Port: No answer", "-e", "en", "--key", key)
    assert ran.code == 2
    assert f"a key has 1 to 128 printable characters: this one has {len(key)}" in one_line(ran)


def _piped(system: System, text: str, *words: str) -> Ran:
    done = subprocess.run(
        [SCRIPTS / "tick", *words],
        env={**system.environ, "TICK_EDITOR": "maha"},
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)
