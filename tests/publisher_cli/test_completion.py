"""Completion: the values that the shell offers after Tab."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.commands import Post
from tests.support.prefork import SCRIPTS
from tests.support.system import System, environment, run_program


def offered(system: System, *words: str, begun: str = "", **variables: str) -> dict[str, str]:
    """Return the offered values that start with `begun` after `words`, with their descriptions."""
    typed = ["tick", *words, begun]
    asked = {
        "_TICK_COMPLETE": "zsh_complete",
        "COMP_WORDS": " ".join(f"'{word}'" if " " in word else word for word in typed),
        "COMP_CWORD": str(len(typed) - 1),
    }
    ran = system.tick(**asked, **variables)
    assert ran.code == 0, ran
    assert ran.err == ""
    lines = ran.out.splitlines()
    return dict(zip(lines[1::3], lines[2::3], strict=True))


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


def test_held_items_are_offered_for_decisions(system: System) -> None:
    held = system.tick("post", "Held for Tab", "-e", "en", "--at", "+1h", "--json").json["held"]
    found = offered(system, "cancel", "-e", "en")
    assert found[next(short for short in found if held.startswith(short))] == "maha: Held for Tab"
    assert system.tick("cancel", held, "-e", "en").code == 0


@pytest.mark.parametrize("url", ["unix:///nowhere/at/all.sock", "redis://127.0.0.1:1"])
def test_without_redis_nothing_is_offered_and_no_error_is_printed(url: str) -> None:
    environ = environment(
        TICKER_REDIS_URL=url, _TICK_COMPLETE="zsh_complete", COMP_WORDS="tick post --section ", COMP_CWORD="3"
    )
    begun = time.monotonic()
    ran = run_program("tick", environ=environ)
    assert (ran.code, ran.out.strip(), ran.err) == (0, "", "")
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str) -> None:
    ran = run_program("tick", "completion", shell, environ=environment())
    assert ran.code == 0
    assert f"_TICK_COMPLETE={shell}_complete" in ran.out


def test_bash_completes_with_the_script(system: System, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    script = tmp_path / "completion.bash"
    script.write_text(run_program("tick", "completion", "bash", environ=environment()).out, encoding="utf-8")
    typed = (
        f"source {script}; COMP_WORDS=(tick post -e en --section s); COMP_CWORD=5; "
        "_tick_completion tick; echo ${COMPREPLY[@]}"
    )
    environ = {**system.environ, "PATH": f"{SCRIPTS}:{system.environ['PATH']}"}
    done = subprocess.run([bash, "-c", typed], env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "sports\n", done
