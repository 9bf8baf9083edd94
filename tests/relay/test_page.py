"""docs/relay.md: its requests are what a relay sends, and its receiver accepts them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.relay.conftest import Relays
from tests.support.doc_examples import assert_like, examples
from tests.support.system import System
from tests.support.waiting import until
from tests.support.webhook_receiver import SECRET, WebhookReceiver

PAGE = Path(__file__).parents[2] / "docs" / "relay.md"
FORMS = {
    "<webhook>": r"msg_[0-9a-z]{10}_[0-9]+",
    "<seconds>": r"[0-9]{10}",
    "<signature>": r"v1,[A-Za-z0-9+/]{43}=",
}


def test_requests_on_the_page_are_what_a_receiver_gets(
    system: System, relay: Relays, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    shown = list(examples(PAGE, "webhook"))
    relay(cms=receiver.url)
    until(lambda: "null" not in system.ticker("relay", "status", str(tmp_path / "state"), "--json").out[:80], "ready")
    posted = system.tick("post", "Met office: Storm Ada makes landfall", "-e", "en", "--json")
    line: str = posted.json["id"]
    until(lambda: line in receiver.shown, "the line arrived")
    assert system.tick("withdraw", line, "-e", "en", "--reason", "The report was wrong.").code == 0
    until(lambda: line not in receiver.shown, "the withdrawal arrived")
    arrived = receiver.where(lambda each: each.line["id"] == line)
    assert len(arrived) == len(shown) == 2
    (code,) = examples(PAGE, "python")
    names: dict[str, Any] = {}
    exec(code.text, names)
    receive: Callable[..., int] = names["receive"]
    state: dict[str, tuple[int, str | None]] = {}
    for example, request in zip(shown, arrived, strict=True):
        head, body, status = example.text.strip().split("\n\n")
        for name, form in re.findall(r"^([a-z-]+): (.+)$", head, re.MULTILINE):
            assert re.fullmatch(FORMS.get(form, re.escape(form)), request.headers[name]), name
        assert_like(request.body, json.loads(body))
        assert receive(SECRET, request.data, request.headers, state) == request.status == int(status)
    assert state[line][1] is None
    assert receive(SECRET, arrived[0].data, arrived[0].headers, state) == 204
    assert state[line][1] is None, "an old request doesn't bring a withdrawn text back"
    assert receive(SECRET, arrived[0].data + b" ", arrived[0].headers, state) == 400
