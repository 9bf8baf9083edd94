"""Completion: the values that the shell offers after Tab."""

from __future__ import annotations

import shlex
import time

import pytest

from tests.support.commands import Post
from tests.support.system import System, environment, run_program


def offered(system: System, *words: str, begun: str = "", behind: str = "", **variables: str) -> dict[str, str]:
    """Return the offered values that start with `begun` after `words`, with their descriptions."""
    line = shlex.join(["tick", *words]) + f" {begun}"
    asked = {"_TICK_COMPLETE": "zsh_complete", "_TICK_LINE": line, "_TICK_WHOLE": line + behind}
    ran = system.tick(**asked, **variables)
    assert ran.code == 0, ran
    assert ran.err == ""
    offers = [offer.split("\t") for offer in ran.out.splitlines() if offer]
    return {value: about for _, value, about in offers}


def test_editions_sections_and_regions_are_offered_with_their_titles(system: System) -> None:
    assert offered(system, "post", "-e") == {"ar": "أخبار عاجلة", "en": "Breaking news", "es": "Última hora"}
    assert offered(system, "post", "-e", "en", "--section", begun="p") == {"politics": "Politics"}
    assert offered(system, "post", "-e", "es", "--region", begun="a")["africa"] == "África"
    assert offered(system, "post", "--section", begun="p", TICK_EDITION="es") == {"politics": "Política"}


def test_recent_lines_are_offered_but_not_withdrawn_ones(system: System, post: Post) -> None:
    line_id, gone = post("Offer me: a line"), post("Don't offer me")
    assert system.tick("withdraw", gone, "-e", "en", "--reason", "x").code == 0
    found = offered(system, "update", "-e", "en")
    assert "last" in found
    assert found[next(short for short in found if line_id.startswith(short))] == "Offer me: a line"
    assert not [short for short in found if gone.startswith(short)]


def test_an_edition_behind_the_cursor_chooses_the_lines(system: System, post: Post) -> None:
    english, spanish = post("Behind the cursor"), post("Detrás del cursor", edition="es")
    texts = offered(system, "withdraw", behind=" -e es").values()
    assert "Detrás del cursor" in texts
    assert "Behind the cursor" not in texts
    assert english != spanish


def test_without_an_edition_the_lines_of_all_are_offered_with_its_name(system: System, post: Post) -> None:
    post("In one of several")
    post("En una de varias", edition="es")
    assert {"en  In one of several", "es  En una de varias"} <= set(offered(system, "withdraw").values())


def test_held_items_are_offered_for_decisions(system: System) -> None:
    held = system.tick("post", "Held for Tab", "-e", "en", "--at", "+1h", "--json").json["held"]
    found = offered(system, "cancel", "-e", "en")
    assert found[next(short for short in found if held.startswith(short))] == "maha: Held for Tab"
    assert system.tick("cancel", held, "-e", "en").code == 0


@pytest.mark.parametrize("url", ["unix:///nowhere/at/all.sock", "redis://127.0.0.1:1"])
def test_without_redis_nothing_is_offered_and_no_error_is_printed(url: str) -> None:
    environ = environment(TICKER_REDIS_URL=url, _TICK_COMPLETE="zsh_complete", _TICK_LINE="tick post --section ")
    begun = time.monotonic()
    ran = run_program("tick", environ=environ)
    assert (ran.code, ran.out.strip(), ran.err) == (0, "", "")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str) -> None:
    ran = run_program("tick", "completion", shell, environ=environment())
    assert ran.code == 0
    assert f"_TICK_COMPLETE={shell}_complete" in ran.out
