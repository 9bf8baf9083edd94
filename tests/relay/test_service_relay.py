"""`ticker relay` as a process that posts to a service, and the examples of docs/relay.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.relay.conftest import Relays, is_read, post, status, withdraw
from tests.support.doc_examples import examples
from tests.support.relay_service_servers import SERVERS
from tests.support.system import System
from tests.support.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "relay.md"
SHOWN = {service.kind: service.text for service in examples(PAGE, "mastodon", "slack", "telegram")}


def reach(system: System, line: str) -> list[str]:
    """Return what `tick reach` says of the receiver, for people: one entry per version."""
    out = system.tick("reach", line, "-e", "en").out
    return re.findall(r"^      news  (.*)$", out, re.MULTILINE)


@pytest.mark.parametrize("kind", SERVERS)
def test_line_its_correction_and_its_withdrawal_show_as_on_the_page(
    system: System, relay: Relays, tmp_path: Path, kind: str
) -> None:
    with SERVERS[kind]() as server:
        program = relay("--reach", log_level="debug", secret=server.token, news=server.address)
        until(lambda: is_read(system, tmp_path), "the relay has read the board")
        line = post(system, "Met office: Storm Ada makes landfall near Port Selby", "--urgency", "2")
        until(lambda: reach(system, line) == ["delivered"], "the relay knows that the post shows")
        seen = [*server.texts]
        new = "Met office: Storm Ada makes landfall near Port Amery"
        assert system.tick("correct", line, new, "-e", "en", "--reason", "The port is Amery, not Selby.").code == 0
        until(lambda: reach(system, line) == ["delivered"] * 2, "the relay knows that the correction shows")
        seen += server.texts
        withdraw(system, line)
        until(
            lambda: reach(system, line) == ["delivered", "delivered", "gone"], "the relay knows that the notice shows"
        )
        seen += server.texts
        assert reach(system, line) == ["delivered", "delivered", "gone"]
        assert [text.replace("\u2060", "") for text in seen] == SHOWN[kind].strip().split("\n---\n")
        assert len(server.fake.created) == (2 if kind == "mastodon" else 1), "one post, and a notice on Mastodon"
        assert server.token not in program.log
        assert server.token.partition(":")[2][:12] not in program.log or kind != "telegram"


def test_text_whose_reply_was_lost_is_not_posted_to_telegram_again_until_a_replay(
    system: System, relay: Relays, tmp_path: Path
) -> None:
    with SERVERS["telegram"]() as server:
        program = relay("--reach", secret=server.token, news=server.address)
        until(lambda: is_read(system, tmp_path), "the relay has read the board")
        server.faults = ["lost"]
        line = post(system, "The reply to this line gets lost")
        until(lambda: len(reach(system, line)) == 1, "tick reach lists the verdict")
        assert reach(system, line)[0].startswith("unknown: the receiver may show the text, or not (the reply was lost")
        assert len(server.texts) == 1
        assert "delivery-unknown" in program.log
        program.stop()
        assert "1 to send again" in system.ticker("relay", "replay", str(tmp_path / "state")).out
        program.start()
        until(
            lambda: status(system, tmp_path)[0]["pending"][0]["reason"].startswith("done, and done again"),
            "somebody has looked and wants it again, and the relay knows the new message",
        )
        assert len(server.texts) == 2
        withdraw(system, line)
        until(lambda: "Withdrawn: It was wrong." in server.texts, "the message that the relay knows is taken back")


def test_slack_message_whose_reply_was_lost_is_found_and_withdrawn(
    system: System, relay: Relays, tmp_path: Path
) -> None:
    with SERVERS["slack"]() as server:
        relay(secret=server.token, news=server.address)
        until(lambda: is_read(system, tmp_path), "the relay has read the board")
        server.faults = ["lost"]
        line = post(system, "Slack has posted this line")
        until(lambda: any(each.path.endswith("history") for each in server.requests), "the relay looks for it")
        withdraw(system, line)
        until(lambda: server.texts == ["Withdrawn: It was wrong."], "only the notice shows")
