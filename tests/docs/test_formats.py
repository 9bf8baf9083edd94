"""Make the requests of docs/formats.md, and compare the answers with the page."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest_asyncio
from lxml import etree

from tests.support.channels import NOW, make_channel, make_hub, make_line
from tests.support.doc_examples import examples
from ticker.core.edition import DEFAULT_EDITIONS
from ticker.core.line import Change, Line, Status
from ticker.settings import Settings
from ticker.web.app import make_app

PAGE: Final = Path(__file__).parents[2] / "docs" / "formats.md"
EDITION: Final = msgspec.structs.replace(DEFAULT_EDITIONS["en"], publisher="The Paper")


def lines() -> list[Line]:
    """Return the versions in the log: a correction, a withdrawal, and a line that is hidden."""
    ago = {minutes: NOW - timedelta(minutes=minutes) for minutes in (5, 6, 7, 8, 9)}

    def taken_back(number: int, text: str, line_id: str, change: Change, status: Status) -> Line:
        """Return the second version of a line, which took its text back after one or two minutes."""
        created, updated = (ago[9], ago[8]) if change is Change.HIDE else (ago[8], ago[6])
        made = make_line(number, text, id=line_id, created_at=created, updated_at=updated, change=change, version=2)
        return made.without_text(status)

    posted = make_line(
        2, "Three ferries are damaged", id="f3t6h8j1rs", created_at=ago[8], updated_at=ago[8], coverage="storm-ada"
    )
    hidden = taken_back(1, "Polls close in Valmora", "c0k9v2m4pq", Change.HIDE, Status.WITHHELD)
    withdrawn = taken_back(2, "Three ferries are damaged", "f3t6h8j1rs", Change.WITHDRAW, Status.CANCELED)
    corrected = make_line(
        3, "Two ferries are damaged", attribution="Harbour authority", id="k7m2abcdef", urgency=2, section="economy",
        correction="An earlier line said three ferries.", created_at=ago[7], updated_at=ago[5], change=Change.CORRECT,
        coverage="storm-ada", url="https://harbour.example/notices/7",
    )  # fmt: skip
    notice = msgspec.structs.replace(withdrawn, correction="The report was wrong.")
    return [posted, *(msgspec.structs.replace(line, version=2) for line in (hidden, notice, corrected))]


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    hub = make_hub({"en": make_channel("en", lines(), EDITION)}, Settings(public_url="https://news.example"))
    transport = httpx.ASGITransport(make_app(hub, "0.0"))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.internal") as client:
        yield client


async def test_each_request_gets_the_answer_on_the_page(client: httpx.AsyncClient) -> None:
    blocks = list(examples(PAGE, "http", "json", "xml"))
    assert len(blocks) >= 14
    for request, answer in zip(blocks[::2], blocks[1::2], strict=True):
        method, path = request.text.split()
        response = await client.request(method, path)
        assert response.status_code == 200, path
        if response.headers["content-type"].startswith("text/html"):
            (data,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', response.text)
            assert json.loads(data) == json.loads(answer.text), path
        elif answer.kind == "json":
            assert response.json() == json.loads(answer.text), path
        else:
            assert canonical(response.content) == canonical(answer.text.encode()), path


def canonical(document: bytes) -> bytes:
    """Return an XML document without the whitespace between its elements."""
    parser = etree.XMLParser(remove_blank_text=True)
    written: bytes = etree.tostring(etree.fromstring(document, parser), method="c14n")
    return written
