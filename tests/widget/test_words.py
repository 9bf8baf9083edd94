"""The element's module and the gateway's boards have the same words."""

from __future__ import annotations

import json
from pathlib import Path

from scripts.build_widget import WIDGET
from tests.support.node import run_node
from ticker.core.words import WORDS


def test_gateway_has_every_word_of_the_element_in_each_language() -> None:
    done = run_node(Path(__file__).with_name("words.mjs"), WIDGET / "src" / "words.js", json.dumps(WORDS))
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    english = found["en"]
    assert [list(words) for words in WORDS.values()] == [list(english)] * len(WORDS)
    assert found["es"] == WORDS["es"]
    assert found["fr"] == english


def test_states_have_the_gateway_s_words_also_before_the_first_board() -> None:
    done = run_node(Path(__file__).with_name("words.mjs"), WIDGET / "src" / "words.js", "{}")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    states = ("waiting", "offline", "stopped")
    assert {lang: [found[lang][state] for state in states] for lang in WORDS} == {
        lang: [words[state] for state in states] for lang, words in WORDS.items()
    }
