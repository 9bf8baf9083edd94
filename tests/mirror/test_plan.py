"""Which files a mirror has."""

from __future__ import annotations

import pytest

from ticker.mirror.hosts import headers_file, nginx_file, pattern_of
from ticker.mirror.plan import assets_in, is_safe_story


@pytest.mark.parametrize("story", ["odile", "Storm / Ada", "عاصفة", "a/b"])
def test_story_has_a_page(story: str) -> None:
    assert is_safe_story(story)


@pytest.mark.parametrize(
    "story",
    ["", "..", "../x", "a/../../x", "/etc/passwd", "a//b", ".htaccess", "a\\b", "a\x00", "index.html", "x" * 300],
)
def test_story_that_names_another_place_has_no_page(story: str) -> None:
    assert not is_safe_story(story)


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("v1/en/tail", "/v1/en/tail"),
        ("en/index.html", "/en"),
        ("en/embed/index.html", "/en/embed"),
        ("en/lines/k7m2x9ab3c/index.html", "/en/lines/*"),
        ("en/stories/a/b/index.html", "/en/stories/*"),
        ("widget/ticker.js", "/widget/ticker.js"),
        ("widget/0.1.0-1f2e3d4c/ticker.js", "/widget/0.1.0-1f2e3d4c/*"),
    ],
)
def test_files_of_one_kind_have_one_pattern(path: str, pattern: str) -> None:
    assert pattern_of(path) == pattern


def test_page_needs_the_module_of_the_tail_beside_its_element() -> None:
    page = b'<script src="/widget/1-a/ticker.js"></script><link href="/widget/1-b/pages.css"><a href="/widget/../x/y">'
    assert assets_in(page) == {"widget/1-a/ticker.js", "widget/1-a/tail.js", "widget/1-b/pages.css"}


def test_rules_of_hosts_have_the_headers_of_the_gateway() -> None:
    rules = {"/en/lines/*": {"Content-Type": "text/html; charset=utf-8", "X-A": 'say "$1" \\'}}
    assert headers_file(rules) == b'/en/lines/*\n  Content-Type: text/html; charset=utf-8\n  X-A: say "$1" \\\n'
    assert b'add_header X-A "say \\"$1\\" \\\\";' in nginx_file(rules)
