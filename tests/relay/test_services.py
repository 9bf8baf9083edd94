"""Each service's library, against a server with the service's interface and its limits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest
import pytest_asyncio

from tests.support.relay_service_servers import SERVERS, MastodonServer, ServiceServer
from tests.support.relay_simulation import line
from ticker.core.errors import SettingsError
from ticker.core.line import Line, Status
from ticker.relay.posts import PostTarget
from ticker.relay.records import Acknowledged, Delivery, Failed, Kind, Missing, Open, Outcome, Post, Refused, Unknown
from ticker.relay.targets import TargetOptions, make_target
from ticker.relay.texts import mark_of, post_text

KINDS = tuple(SERVERS)
LATE_S = 45.0


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[ServiceServer]:
    with SERVERS[request.param]() as server:
        yield server


def target_of(server: ServiceServer, token: str = "") -> PostTarget:
    options = TargetOptions(
        address=server.address, secrets=token or server.token, source="X", timeout_s=5, allow_private=True
    )
    target, late_s = make_target(options)
    assert late_s == LATE_S
    assert isinstance(target, PostTarget)
    target._clock = server.now
    return target


@pytest_asyncio.fixture
async def target(server: ServiceServer) -> AsyncIterator[PostTarget]:
    target = target_of(server)
    yield target
    await target.close()


def delivery_of(content: Line, order: int = 1, kind: Kind = Kind.PUBLISHED) -> Delivery:
    return Delivery(
        line=content.id, version=content.version, order=order, kind=kind, position="1-x", queued_at=0, content=content
    )


PUBLISHED = delivery_of(line("a", 1, 1, text="Storm Ada makes landfall"))
UPDATED = delivery_of(line("a", 2, 1, text="Storm Ada reaches the capital"), 2)
WITHDRAWN = delivery_of(
    msgspec.structs.replace(line("a", 3, 1, Status.CANCELED), correction="It was wrong."), 3, Kind.WITHDRAWN
)
HIDDEN = delivery_of(line("a", 3, 1, Status.WITHHELD), 3, Kind.HIDDEN)
NOTICE = "Withdrawn: It was wrong."


async def attempt(target: PostTarget, delivery: Delivery, post: Post | None = None) -> Outcome:
    return await target.attempt(delivery, "en", post or Post())


async def create(target: PostTarget) -> Post:
    outcome = await attempt(target, PUBLISHED)
    assert isinstance(outcome, Acknowledged), outcome
    return Post(ref=outcome.ref, sent_at=target._clock(), shown=outcome.shown)


def opened(server: ServiceServer, ago_s: float = 0.0) -> Open:
    """Return what the plan knows after an attempt of PUBLISHED whose reply was lost."""
    at = server.now() - ago_s
    assert PUBLISHED.content is not None
    return Open(since=at, at=at, first=1, tried=(mark_of(post_text(PUBLISHED.content)),))


async def test_line_is_posted_edited_and_withdrawn(server: ServiceServer, target: PostTarget) -> None:
    post = await create(target)
    assert server.texts == ["Storm Ada makes landfall"]
    assert isinstance(await attempt(target, UPDATED, post), Acknowledged)
    assert server.texts == ["Storm Ada reaches the capital"]
    assert await attempt(target, WITHDRAWN, post) == Acknowledged()
    assert server.texts == [NOTICE]
    assert await attempt(target, WITHDRAWN, post) == Acknowledged(), "the same again changes nothing"
    assert server.texts == [NOTICE]
    readable = [text for each in server.fake.posts.values() for text in each.texts]
    assert server.kind != "mastodon" or readable == [NOTICE], "no history of edits has the text"


async def test_hidden_line_is_deleted_and_a_deleted_post_is_created_again(
    server: ServiceServer, target: PostTarget
) -> None:
    post = await create(target)
    assert await attempt(target, HIDDEN, post) == Acknowledged()
    assert await attempt(target, HIDDEN, post) == Acknowledged()
    assert server.texts == []
    assert await attempt(target, UPDATED, post) == Missing()


async def test_version_with_the_same_text_sends_nothing(server: ServiceServer, target: PostTarget) -> None:
    post = await create(target)
    before = len(server.requests)
    assert isinstance(await attempt(target, PUBLISHED, post), Acknowledged)
    assert len(server.requests) == before


async def test_lost_reply_leaves_one_post(server: ServiceServer, target: PostTarget) -> None:
    server.faults = ["lost"]
    outcome = await attempt(target, PUBLISHED)
    assert isinstance(outcome, Failed)
    assert not outcome.is_unsent
    again = await attempt(target, PUBLISHED, Post(open=opened(server)))
    assert server.texts == ["Storm Ada makes landfall"]
    if server.kind == "telegram":
        assert isinstance(again, Unknown)
        assert "replay" in again.reason
        return
    assert isinstance(again, Acknowledged)
    assert again.ref in server.fake.posts
    assert await attempt(target, WITHDRAWN, Post(open=opened(server))) == Acknowledged()
    assert server.texts == [NOTICE]


async def test_dropped_request_is_repeated_when_no_earlier_one_can_arrive(
    server: ServiceServer, target: PostTarget
) -> None:
    server.faults = ["dropped"]
    assert isinstance(await attempt(target, PUBLISHED), Failed)
    just_now = opened(server)
    soon = await attempt(target, PUBLISHED, Post(open=just_now))
    passed_s = server.now() - just_now.at
    later = await attempt(target, PUBLISHED, Post(open=opened(server, LATE_S + 1)))
    if server.kind == "telegram":
        assert isinstance(soon, Unknown)
        assert isinstance(later, Unknown)
        return
    if server.kind == "slack":  # it has no idempotency keys
        assert isinstance(soon, Failed)
        assert soon.retry_after_s is not None
        assert LATE_S - passed_s <= soon.retry_after_s <= LATE_S
    assert isinstance(later, Acknowledged)
    assert server.texts == ["Storm Ada makes landfall"]


async def test_lost_reply_of_a_text_without_search_makes_its_withdrawal_cant_undo() -> None:
    with SERVERS["telegram"]() as server:
        target = target_of(server)
        refused = await attempt(target, WITHDRAWN, Post(open=opened(server)))
        newer = await attempt(target, UPDATED, Post(open=opened(server)))
        assert isinstance(refused, Refused)
        assert isinstance(newer, Acknowledged)
        assert newer.leaves_copy
        assert server.texts == ["Storm Ada reaches the capital"]
        await target.close()


async def test_telegram_deletes_nothing_after_48_hours_and_replaces_the_text() -> None:
    with SERVERS["telegram"]() as server:
        target = target_of(server)
        post = await create(target)
        server.later_s = 49 * 3600
        outcome = await attempt(target, HIDDEN, post)
        assert isinstance(outcome, Refused)
        assert "its text was replaced" in outcome.reason
        assert server.texts == ["Withdrawn"]
        assert await attempt(target, WITHDRAWN, post) == Acknowledged()
        assert server.texts == [NOTICE]
        await target.close()


@pytest.mark.parametrize("status", [429, 401])
async def test_refused_request_has_had_no_effect(server: ServiceServer, target: PostTarget, status: int) -> None:
    server.faults = [status]
    outcome = await attempt(target, PUBLISHED)
    assert isinstance(outcome, Failed)
    assert outcome.is_unsent
    if status == 429:
        assert outcome.retry_after_s is not None
        assert 25 < outcome.retry_after_s <= 31
    assert server.token not in repr(outcome)
    assert server.texts == []


async def test_error_of_the_server_leaves_the_outcome_open(server: ServiceServer, target: PostTarget) -> None:
    server.faults = [500]
    outcome = await attempt(target, PUBLISHED)
    assert isinstance(outcome, Failed)
    assert not outcome.is_unsent


async def test_service_that_does_not_listen_has_got_nothing(server: ServiceServer) -> None:
    with SERVERS[server.kind]() as gone:
        target = target_of(gone)
    outcome = await attempt(target, PUBLISHED)
    await target.close()
    assert isinstance(outcome, Failed)
    assert outcome.is_unsent, outcome


async def test_no_part_of_a_line_acts(server: ServiceServer, target: PostTarget) -> None:
    text = "<!channel> <@U123> @everyone #tag /start https://a.example/x b.example & *bold* _it_ <b>c</b> `d` [e](f)"
    assert isinstance(await attempt(target, delivery_of(line("a", 1, 1, text=text))), Acknowledged)
    assert server.active == []
    assert [each.replace("\u2060", "") for each in server.texts] == [text]


async def test_long_text_is_cut_at_the_limit_of_the_service(server: ServiceServer, target: PostTarget) -> None:
    if isinstance(server, MastodonServer):
        server.max_characters = 600
    long = line("a", 1, 1, text="word " * 2_000)
    assert isinstance(await attempt(target, delivery_of(long)), Acknowledged)
    (text,) = server.texts
    assert text.endswith("…")
    assert len(text) > 590


@pytest.mark.parametrize(
    ("address", "token", "expected"),
    [
        ("telegram:news", "t", "isn't a chat"),
        ("slack:#news", "t", "isn't the id of a channel"),
        ("mastodon:ftp://a.example", "t", "isn't a Mastodon server"),
        ("mastodon:https://user:hidden@a.example", "t", "isn't a Mastodon server"),
        ("telegram:@news", "two hidden", "isn't a token"),
    ],
)
def test_address_or_token_that_cannot_be_used_is_refused_without_quoting_a_secret(
    address: str, token: str, expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected) as caught:
        make_target(TargetOptions(address=address, secrets=token, source="X", timeout_s=5, allow_private=True))
    assert "hidden" not in str(caught.value)


async def test_internal_mastodon_server_needs_allow_private() -> None:
    with MastodonServer() as server:
        options = TargetOptions(
            address=server.address, secrets=server.token, source="X", timeout_s=5, allow_private=False
        )
        target, _ = make_target(options)
        outcome = await target.attempt(PUBLISHED, "en", Post())
        await target.close()
        assert isinstance(outcome, Failed)
        assert "--allow-private" in outcome.reason
        assert server.requests == []


async def test_redirect_of_a_mastodon_server_is_not_followed() -> None:
    with MastodonServer() as server, MastodonServer() as elsewhere:
        server.location = f"{elsewhere.base}/api/v1/statuses"
        server.faults = [307]
        target = target_of(server)
        assert isinstance(await attempt(target, PUBLISHED), Failed)
        await target.close()
        assert elsewhere.requests == []


async def test_a_notice_that_is_refused_after_the_deletion_counts_as_an_effect() -> None:
    """Otherwise the plan would believe that the old post still shows its text, if the text came back."""
    with SERVERS["mastodon"]() as server:
        target = target_of(server)
        post = await create(target)
        server.faults = ["done", 429]
        outcome = await attempt(target, WITHDRAWN, post)
        assert isinstance(outcome, Failed)
        assert (outcome.is_unsent, server.texts) == (False, [])
        await target.close()
