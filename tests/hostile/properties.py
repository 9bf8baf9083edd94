"""The properties that both the tests and `make fuzz` check."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

from tests.hostile.connection import CLOSE_CODES, SocketlessGateway, check_responses
from tests.hostile.inputs import UPGRADE, request
from tests.support.strategies import ENGLISH
from ticker.core.submission import decode_receipt
from ticker.desk.ledger import Ledger
from ticker.desk.plan import PendingRequest, PlanContext
from ticker.desk.planner import plan_requests
from ticker.settings import Settings
from ticker.store.editions import StoredEdition

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
BOUNDS = Settings()
_COMPRESSION = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


class ConversationCheck:
    """Checks conversations with a gateway without sockets, which has its own event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.gateway = self.loop.run_until_complete(self._build())

    async def _build(self) -> SocketlessGateway:
        return SocketlessGateway()

    def talk(self, pieces: Sequence[bytes]) -> bytes:
        return bytes(self.loop.run_until_complete(self.gateway.talk(pieces)).sent)

    def check_conversation(self, pieces: Sequence[bytes]) -> None:
        """Check that every response is known, and that the gateway keeps nothing."""
        check_responses(self.talk(pieces), pieces)
        assert self.gateway.is_empty()

    def check_frames(self, sent: bytes, cuts: Sequence[int], *, offers_compression: bool, is_ahead: bool) -> None:
        """Check that frames after a handshake are answered or closed with a code. `cuts`: where to split the data.

        If the reader's position is ahead (`is_ahead`), its handshake isn't answered, so its frames must not be either.
        """
        target = "/v1/en/live?after=99-0000000000000000" if is_ahead else "/v1/en/live"
        offsets = sorted({cut % (len(sent) + 1) for cut in cuts} | {0, len(sent)})
        handshake = request("GET", target, "1.1", [*UPGRADE, *([_COMPRESSION] * offers_compression)], b"")
        pieces = [handshake, *(sent[start:end] for start, end in pairwise(offsets))]
        ending = check_responses(self.talk(pieces), pieces)
        kind, _, code = ending.partition(" ")
        assert kind in (("no",) if is_ahead else ("101", "close")), ending
        # The gateway's own code, or an echo of the peer's.
        assert (
            is_ahead
            or not code
            or int(code) in CLOSE_CODES
            or int(code) == 1005
            or int(code).to_bytes(2, "big") in sent
        )
        assert self.gateway.is_empty()


def check_decisions(inbox: Sequence[tuple[str, bytes]]) -> None:
    """Check that each submission gets a receipt of limited size, and that entries have the right author and times."""
    ledger = Ledger(StoredEdition("en", ENGLISH, "5e" * 32), 100, 100)
    ledger.redis_ms = NOW_MS
    ids = iter(f"line{number}" for number in range(10_000))
    context = PlanContext(
        now=NOW,
        redis_now=NOW,
        new_id=lambda: next(ids),
        submission_bytes=BOUNDS.submission_bytes,
        deadline_s=BOUNDS.submission_deadline_s,
        held_max=BOUNDS.held,
        held_per_editor=BOUNDS.held_per_editor,
        overdue_after_s=BOUNDS.overdue_after_s,
    )
    batch = [PendingRequest(editor, f"{NOW_MS}-{number}", data) for number, (editor, data) in enumerate(inbox)]
    planned = plan_requests(ledger, batch, context)
    assert [item.request for item in planned] == batch
    for item in planned:
        assert item.failure is None, item.failure
        receipt = decode_receipt(item.receipt)
        assert len(item.receipt) < 4 * BOUNDS.submission_bytes
        assert receipt.key == item.answers[0].key
        assert receipt.status is item.status
        if item.logged is not None:
            entry = item.logged.entry
            assert entry.editor == item.editor
            assert (entry.line.updated_at, entry.submitted_at) == (NOW, NOW)
        item.apply_to(ledger)
