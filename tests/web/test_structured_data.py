"""The live blog for search engines."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.support.channels import NOW, make_line
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Status
from ticker.web.structured_data import live_blog

EDITION = DEFAULT_EDITIONS["en"]
ADDRESS = "https://ticker.example/en"


def test_live_blog_has_a_post_for_each_line() -> None:
    line = make_line(
        1, "The bridge is closed", attribution="Mayor", url="https://example.org/", correction="It said open"
    )
    blog = json.loads(live_blog(EDITION, [line], ADDRESS))
    assert (blog["@type"], blog["url"], blog["inLanguage"]) == ("LiveBlogPosting", ADDRESS, "en")
    assert blog["liveBlogUpdate"] == [
        {
            "@type": "BlogPosting",
            "@id": f"{ADDRESS}#l1",
            "headline": "Mayor: The bridge is closed",
            "articleBody": "Mayor: The bridge is closed",
            "inLanguage": "en",
            "datePublished": "2026-11-24T09:30:00Z",
            "dateModified": "2026-11-24T09:30:00Z",
            "url": "https://example.org/",
            "correction": "It said open",
        }
    ]


def test_live_blog_spans_the_times_of_its_lines() -> None:
    lines = [make_line(2, "Two", updated_at=NOW + timedelta(hours=1)), make_line(1, "One")]
    blog = json.loads(live_blog(EDITION, lines, ADDRESS))
    assert (blog["datePublished"], blog["dateModified"]) == ("2026-11-24T09:30:00Z", "2026-11-24T10:30:00Z")


def test_live_blog_has_no_withdrawn_line() -> None:
    lines = [make_line(1, "", status=Status.CANCELED, correction="wrong")]
    blog = json.loads(live_blog(EDITION, lines, ADDRESS))
    assert blog["liveBlogUpdate"] == []
    assert "datePublished" not in blog
