"""Read what parts report at their addresses for operators: `/readyz`, `/metrics` and the header `Date`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult

from prometheus_client.parser import text_string_to_metric_families

from ticker.doctor.http import Answer, get, reason_of, server_at
from ticker.doctor.part_findings import PartFacts


async def part_facts(parts: SplitResult) -> PartFacts:
    """Read the facts of the part at an `http` URL."""
    url = f"{parts.scheme}://{parts.netloc}"
    server = server_at(parts)
    try:
        before = time.time()
        ready = await get(server, "/readyz")
        now = (before + time.time()) / 2
        metrics = await get(server, "/metrics", {"Accept": "text/plain"})
        samples = list(_samples(metrics)) if metrics.status == 200 else []
    except (OSError, ValueError) as error:
        return PartFacts(url=url, trouble=reason_of(error))
    followers = [value for name, _, value in samples if name == "ticker_followers"]
    room = [value for name, _, value in samples if name == "ticker_followers_max"]
    return PartFacts(
        url=url,
        readiness=_readiness(ready),
        version=next((labels.get("version") for name, labels, _ in samples if name == "ticker_build_info"), None),
        followers=int(sum(followers)) if followers else None,
        followers_max=int(sum(room)) if room else None,
        clock_s=_clock(ready, now),
    )


def _samples(answer: Answer) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _readiness(answer: Answer) -> str | None:
    """Return what keeps the part from being ready, or None. A gateway that serves from memory is `degraded`."""
    try:
        status = json.loads(answer.body).get("status", "ready")
    except (ValueError, AttributeError):
        status = "its answer isn't a part's"
    if answer.status != 200 and status == "ready":
        return f"/readyz has the status {answer.status}"
    return None if status == "ready" else str(status)


def _clock(answer: Answer, now: float) -> float | None:
    try:
        # The header drops the fraction of a second: on average half a second.
        return parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5 - now
    except (KeyError, ValueError):
        return None
