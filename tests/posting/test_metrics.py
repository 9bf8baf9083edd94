"""The metrics of the posting part."""

from __future__ import annotations

from ticker.posting.app import Posting
from ticker.posting.inboxes import Inboxes
from ticker.posting.metrics import PostingCollector
from ticker.posting.problems import PROBLEMS


def test_answers_count_from_zero_for_every_problem() -> None:
    """Prometheus sees no increase in a series that begins with its first event."""
    posting = Posting(Inboxes("redis://127.0.0.1", 1, 1), 1, "0")
    posting.answered[201, ""] += 1
    counted = {
        (int(sample.labels["status"]), sample.labels["code"]): sample.value
        for family in PostingCollector(posting, 1).collect()
        for sample in family.samples
        if sample.name == "ticker_api_answers_total"
    }
    problems = {(status, code): 0.0 for code, kind in PROBLEMS.items() for status in kind.statuses}
    assert counted == problems | {(200, ""): 0.0, (201, ""): 1.0, (202, ""): 0.0}
