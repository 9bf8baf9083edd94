"""One running system for all tests of the commands. Each test uses its own lines, keys and editors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.audit_system import audit_system as start_audit_system
from tests.support.commands import Post
from tests.support.review_system import review_system as start_review_system
from tests.support.system import System, shared_system


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with shared_system() as running:
        yield running


@pytest.fixture(scope="session")
def review_system() -> Iterator[System]:
    with start_review_system() as running:
        yield running


@pytest.fixture(scope="session")
def audit_system() -> Iterator[System]:
    with start_audit_system() as running:
        yield running


@pytest.fixture
def post(system: System) -> Post:
    """Put a line on air in the English edition, and return its id."""

    def put(text: str, *options: str, edition: str = "en", editor: str = "maha") -> str:
        # `--again`, because other tests post similar lines.
        ran = system.tick("post", text, "-e", edition, "--json", "--no-reach", "--again", *options, editor=editor)
        assert ran.code == 0, ran
        line_id: str = ran.json["id"]
        return line_id

    return put
