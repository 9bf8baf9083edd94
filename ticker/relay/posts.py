"""Send deliveries as posts of a service: create, edit and delete, so that each line has one post.

A service that orders nothing itself needs care after a lost reply. The request may have created a post, or may still
do so. So the next attempt first looks for the post. If the service can't be searched, the text isn't sent again: the
verdict is `unknown`, and a person has to look. A second post with the same text could never be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import msgspec

from ticker.core.errors import TickerError
from ticker.core.line import VERSION_LAST
from ticker.relay.records import Acknowledged, Delivery, Failed, Kind, Missing, Outcome, Post, Refused, Unknown
from ticker.relay.texts import digest_of_text, mark_of, post_text, words_in

CALLS_MOST: Final = 3
"""The most requests of one attempt."""

LATE_S: Final = 30.0
"""How long after its timeout a request may still take effect."""


def settle_s(timeout_s: float) -> float:
    """Return how long after the start of an attempt its last request may still take effect."""
    return CALLS_MOST * timeout_s + LATE_S


class ServiceError(TickerError):
    """A request failed. `outcome` is that of the whole attempt."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(str(outcome))
        self.outcome = outcome


class NotThereError(TickerError):
    """The service doesn't have this post, or not any more."""


class NotAllowedError(TickerError):
    """The service doesn't allow this change of the post, for example because the post is too old."""


class Service(Protocol):
    """The requests to one account or channel of a service. Each may raise ServiceError.

    Attributes:
        title: The name of the service, for messages.
        can_find: Whether `find` works.
        keyed_s: How long the service remembers a key, so that a second `create` with it returns the first post.
        edit_erases: Whether an edit leaves no earlier text that readers can see.
        delete_s: Until which age a post can be deleted, or None for no limit.

    """

    @property
    def title(self) -> str: ...
    @property
    def can_find(self) -> bool: ...
    @property
    def keyed_s(self) -> float: ...
    @property
    def edit_erases(self) -> bool: ...
    @property
    def delete_s(self) -> float | None: ...

    async def create(self, text: str, name: str, key: str, lang: str) -> str:
        """Create a post about the line `name` (edition and id), and return the service's own name for it.

        Raises NotThereError if the post of this key was deleted.
        """

    async def edit(self, ref: str, text: str) -> None:
        """Replace the text of a post. Raises NotThereError or NotAllowedError."""

    async def delete(self, ref: str) -> None:
        """Delete a post. Raises NotThereError or NotAllowedError."""

    async def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        """Return the post about a line with the text of one of the marks, created at or after `since`, or None."""

    async def close(self) -> None:
        """Close the connections."""


class PostTarget:
    """Sends deliveries to a service.

    Args:
        service: The requests.
        settle_s: How long after its start an attempt may still take effect.
        clock: Returns seconds since 1970.

    """

    def __init__(self, service: Service, settle_s: float, clock: Callable[[], float] = time.time) -> None:
        self._service = service
        self._settle_s = settle_s
        self._clock = clock

    async def close(self) -> None:
        """Close the connections."""
        await self._service.close()

    async def attempt(self, delivery: Delivery, edition: str, post: Post) -> Outcome:
        """Send a delivery once, and return the outcome. Errors of the network don't raise."""
        name = f"{edition}/{delivery.line}"
        try:
            if post.ref is None and self._may_have_created(post):
                if not self._service.can_find:
                    return await self._go_on_blind(delivery, name, post)
                assert post.open is not None
                ref = await self._service.find(name, post.open.tried, post.open.since)
                post = msgspec.structs.replace(post, ref=ref)
            if delivery.kind is Kind.PUBLISHED:
                return await self._publish(delivery, name, post)
            return await self._take_back(delivery, name, post)
        except ServiceError as error:
            return error.outcome
        except NotThereError:
            return Missing()
        except NotAllowedError:
            return Refused(reason=f"{self._service.title} allows no edit of this post any more")

    @staticmethod
    def _may_have_created(post: Post) -> bool:
        """Whether an attempt whose outcome is open may have created a post that the relay doesn't know."""
        return post.open is not None and post.open.first > 0

    async def _publish(self, delivery: Delivery, name: str, post: Post) -> Outcome:
        assert delivery.content is not None
        text, lang = post_text(delivery.content), delivery.content.lang
        shown = digest_of_text(text)
        if post.ref is not None and post.shown == shown and post.open is None:
            return Acknowledged(ref=post.ref, shown=shown)  # for example, the line was pinned
        if post.ref is not None:
            await self._service.edit(post.ref, text)
            leaves_copy = not self._service.can_find and self._may_have_created(post)
            return Acknowledged(ref=post.ref, shown=shown, leaves_copy=leaves_copy)
        is_keyed = post.open is not None and self._clock() - post.open.since < self._service.keyed_s
        if self._may_have_created(post) and not is_keyed and (wait := self._wait_s(post)) > 0:
            return _wait(wait)
        order = post.open.first if post.open is not None and is_keyed else 0
        try:
            ref = await self._service.create(text, name, f"{name}/{order or delivery.order}", lang)
        except NotThereError:  # the key belongs to a post that was deleted meanwhile
            ref, order = await self._service.create(text, name, f"{name}/{delivery.order}/again", lang), 0
        if order:  # the key may have returned a post with the text of an earlier version
            with _after_an_effect():
                await self._service.edit(ref, text)
        return Acknowledged(ref=ref, shown=shown)

    async def _go_on_blind(self, delivery: Delivery, name: str, post: Post) -> Outcome:
        """Act after a lost reply, if the service can't be searched."""
        assert post.open is not None
        title = self._service.title
        if delivery.kind.takes_back:
            return Refused(reason=f"the reply was lost, so {title} may have the text: look for it, and remove it there")
        assert delivery.content is not None
        text = post_text(delivery.content)
        if mark_of(text) in post.open.tried:
            return Unknown(
                reason=f"the reply was lost, and {title} has no search for bots: look there, and send it with "
                "`ticker relay replay` if it is missing"
            )
        ref = await self._service.create(text, name, "", delivery.content.lang)
        return Acknowledged(ref=ref, shown=digest_of_text(text), leaves_copy=True)

    async def _take_back(self, delivery: Delivery, name: str, post: Post) -> Outcome:
        if post.ref is None:
            if self._may_have_created(post) and (wait := self._wait_s(post)) > 0:
                return _wait(wait)
            if delivery.version == VERSION_LAST and not post.sent_at and not self._may_have_created(post):
                return Refused(reason="the line is so old that the relay has no record of its post: look for one")
            return Acknowledged()  # it isn't there, or an earlier delivery has taken it back
        leaves_copy = not self._service.can_find and self._may_have_created(post)
        notice = _notice(delivery)
        if delivery.kind is Kind.WITHDRAWN and self._service.edit_erases and await self._edited(post.ref, notice):
            return Acknowledged(leaves_copy=leaves_copy)
        if await self._deleted(post):
            if delivery.kind is Kind.WITHDRAWN and not self._service.edit_erases:
                assert delivery.content is not None
                with _after_an_effect():
                    await self._service.create(notice, f"{name}/notice", f"{delivery.id}/notice", delivery.content.lang)
            return Acknowledged(leaves_copy=leaves_copy)
        if await self._edited(post.ref, notice):
            return Refused(reason=f"{self._service.title} can't delete a post of this age: its text was replaced")
        return Refused(reason=f"{self._service.title} allows neither an edit nor the deletion of the post any more")

    async def _edited(self, ref: str, text: str) -> bool:
        """Replace the text, and return whether it is gone."""
        try:
            await self._service.edit(ref, text)
        except NotAllowedError:
            return False
        except NotThereError:
            pass
        return True

    async def _deleted(self, post: Post) -> bool:
        """Delete the post, and return whether it is gone."""
        assert post.ref is not None
        if self._service.delete_s is not None and self._clock() - post.sent_at >= self._service.delete_s:
            return False
        try:
            await self._service.delete(post.ref)
        except NotAllowedError:
            return False
        except NotThereError:
            pass
        return True

    def _wait_s(self, post: Post) -> float:
        """Return for how long an earlier request may still take effect."""
        return 0.0 if post.open is None else post.open.at + self._settle_s - self._clock()


@contextmanager
def _after_an_effect() -> Iterator[None]:
    """Note in an error that an earlier request of the same attempt had an effect, whatever became of this one."""
    try:
        yield
    except ServiceError as error:
        if isinstance(error.outcome, Failed):
            raise ServiceError(msgspec.structs.replace(error.outcome, is_unsent=False)) from error
        raise


def _wait(seconds: float) -> Failed:
    reason = "the reply to an earlier request was lost, and it may still take effect"
    return Failed(reason=reason, is_unsent=True, retry_after_s=seconds, is_outage=False)


def _notice(delivery: Delivery) -> str:
    if delivery.content is None:
        return words_in("en")["withdrawn"]
    if delivery.kind is Kind.WITHDRAWN:
        return post_text(delivery.content)
    return words_in(delivery.content.lang)["withdrawn"]
