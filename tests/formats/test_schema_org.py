"""The data for search engines: live blogs of editions and stories, and posts of lines."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec

from tests.support.channels import NOW, make_line
from tests.support.publications import PUBLICATION
from ticker.core.line import Line, Status
from ticker.formats.schema_org import QUIET, live_blog

EDITION = msgspec.structs.replace(
    PUBLICATION.edition, publisher="The Paper", logo="https://a.example/l.png", image="https://a.example/i.png"
)
PAPER = msgspec.structs.replace(PUBLICATION, edition=EDITION)
STORY = "Storm Ada"
ADDRESS = "https://news.example/en/stories/Storm%20Ada"


def blog_of(*lines: Line, story: str | None = STORY) -> dict[str, Any]:
    blog: dict[str, Any] = json.loads(live_blog(PAPER, lines, NOW, story=story))
    return blog


def test_story_is_a_complete_live_blog() -> None:
    line = make_line(
        1, "The bridge is closed", attribution="Mayor", url="https://example.org/", correction="It said open"
    )
    blog = blog_of(line)
    publisher = {
        "@type": "NewsMediaOrganization",
        "name": "The Paper",
        "url": "https://news.example/en",
        "logo": {"@type": "ImageObject", "url": "https://a.example/l.png"},
    }
    origin = {"publisher": publisher, "author": publisher, "image": "https://a.example/i.png"}
    assert blog.items() >= {"@type": "LiveBlogPosting", "url": ADDRESS, "headline": STORY, **origin}.items()
    assert blog["liveBlogUpdate"] == [
        {
            "@type": "BlogPosting",
            "@id": "https://news.example/en/lines/l1",
            "url": f"{ADDRESS}#l1",
            "headline": "Mayor: The bridge is closed",
            "articleBody": "Mayor: The bridge is closed",
            "inLanguage": "en",
            "datePublished": "2026-11-24T09:30:00Z",
            "dateModified": "2026-11-24T09:30:00Z",
            "citation": "https://example.org/",
            "correction": {
                "@type": "CorrectionComment",
                "text": "It said open",
                "datePublished": "2026-11-24T09:30:00Z",
            },
            **origin,
        }
    ]


def test_story_begins_with_its_first_line_and_ends_some_time_after_its_last_change() -> None:
    blog = blog_of(make_line(2, "Two", updated_at=NOW + timedelta(hours=1)), make_line(1, "One"))
    assert (blog["coverageStartTime"], blog["dateModified"]) == ("2026-11-24T09:30:00Z", "2026-11-24T10:30:00Z")
    assert blog["coverageEndTime"] == "2026-11-24T22:30:00Z"
    old = make_line(1, "One", created_at=NOW - QUIET, updated_at=NOW - QUIET)
    assert blog_of(old)["coverageEndTime"] == "2026-11-23T21:30:00Z"
    assert "coverageEndTime" not in blog_of(old, story=None)


def test_withdrawn_line_is_a_correction_of_the_live_blog() -> None:
    withdrawn = make_line(1, "", status=Status.CANCELED, correction="It was wrong", updated_at=NOW + timedelta(hours=1))
    blog = blog_of(make_line(2, "Two"), withdrawn)
    assert [update["headline"] for update in blog["liveBlogUpdate"]] == ["Two"]
    assert blog["dateModified"] == "2026-11-24T10:30:00Z"
    assert blog["correction"] == [
        {
            "@type": "CorrectionComment",
            "@id": "https://news.example/en/lines/l1",
            "url": "https://news.example/en/lines/l1",
            "text": "Withdrawn: It was wrong",
            "inLanguage": "en",
            "datePublished": "2026-11-24T10:30:00Z",
        }
    ]
    assert "datePublished" not in blog_of(withdrawn)
