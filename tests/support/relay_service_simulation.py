"""The simulation of a relay whose receiver is Telegram, Slack or Mastodon: each request of an attempt can fail.

The plan and the target of posts are the real ones. A request is an event of the simulation's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Sequence
from typing import Any, Final

import msgspec

from tests.support.relay_services import SERVICES, FakeService
from tests.support.relay_simulation import Simulation
from ticker.core.errors import TickerError
from ticker.core.line import Status
from ticker.relay.book import Limits
from ticker.relay.posts import NotAllowedError, NotThereError, PostTarget, ServiceError, settle_s
from ticker.relay.records import Delivery, Failed, Outcome, Verdict
from ticker.relay.texts import post_text

TIMEOUT_S: Final = 20.0
_NOTICE: Final = "Withdrawn"


class _Call:
    """A request: `await` on it ends when the simulation answers it."""

    def __init__(self, apply: Callable[[], Any]) -> None:
        self.apply = apply

    def __await__(self) -> Generator[_Call, Any, Any]:
        return (yield self)


class SimulatedService:
    """The requests to a fake service as events."""

    def __init__(self, fake: FakeService) -> None:
        self._fake = fake
        self.title, self.can_find, self.keyed_s = fake.title, fake.can_find, fake.keyed_s
        self.edit_erases, self.delete_s = fake.edit_erases, fake.delete_s

    async def create(self, text: str, name: str, key: str, lang: str) -> str:
        return str(await _Call(lambda: self._fake.create(text, name, key, lang)))

    async def edit(self, ref: str, text: str) -> None:
        await _Call(lambda: self._fake.edit(ref, text))

    async def delete(self, ref: str) -> None:
        await _Call(lambda: self._fake.delete(ref))

    async def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        found: str | None = await _Call(lambda: self._fake.find(name, marks, since))
        return found

    async def close(self) -> None:
        pass


class ServiceSimulation(Simulation):
    """One schedule of faults with a service. `run` raises AssertionError if the relay breaks a promise."""

    def __init__(self, seed: int, kind: str, *, restores: bool = False) -> None:
        self.kind = kind
        self.fake = SERVICES[kind](lambda: self.now)
        super().__init__(seed, restores=restores, pause_s=50 * 3600.0)

    def make_limits(self) -> Limits:
        return msgspec.structs.replace(super().make_limits(), parallel=1, settle_s=settle_s(TIMEOUT_S))

    def _attempt(self, delivery: Delivery) -> None:
        self.attempts += 1
        self._check_newest(delivery)
        target = PostTarget(SimulatedService(self.fake), settle_s(TIMEOUT_S), lambda: self.now)
        attempt = target.attempt(delivery, "en", self.plan.post(delivery))
        self._advance(delivery, attempt, lambda: attempt.send(None))

    def _advance(self, delivery: Delivery, attempt: Coroutine[_Call, Any, Outcome], go_on: Callable[[], _Call]) -> None:
        """Let an attempt run until its next request or its end."""
        try:
            call = go_on()
        except StopIteration as stop:
            self._finish_at(self.now, delivery, stop.value)
            return
        life, answer = self._life, self._send(call)

        def resume() -> None:
            if self._life != life or delivery.order not in self.plan.running:
                attempt.close()
                return
            result, error = answer()
            self._advance(delivery, attempt, lambda: attempt.throw(error) if error else attempt.send(result))

        self._at(self.now + self.answer_s, resume)

    def _send(self, call: _Call) -> Callable[[], tuple[Any, Exception | None]]:
        """Send a request, and return a function that has its answer after `answer_s`."""
        delay = self.answer_s = self.chance.random()
        results: list[tuple[Any, Exception | None]] = []

        def apply() -> None:
            try:
                results.append((call.apply(), None))
            except (NotThereError, NotAllowedError) as error:
                results.append((None, error))
            self._check_posts()

        def fail(**facts: Any) -> Callable[[], tuple[Any, TickerError]]:
            return lambda: (None, ServiceError(Failed(**facts)))

        match self.fault:
            case "up":
                self._at(self.now + delay / 2, apply)
                return lambda: results[0]
            case "slow":  # the request may be processed long after the relay has given it up
                self._at(self.now + 40 * delay, apply)
                self.answer_s = TIMEOUT_S
                return fail(reason="timeout")
            case "lossy":
                self._at(self.now + delay / 2, apply)
                return fail(reason="reply lost", is_outage=False)
            case "throttled":
                return fail(reason="429", retry_after_s=self.chance.choice((None, 5.0, 500.0)), is_unsent=True)
            case "broken":
                return fail(reason="500", is_outage=False)
            case _:
                return fail(reason="refused", is_unsent=True)

    # The promises

    @property
    def shown(self) -> dict[str, list[str]]:
        """The texts that show, without notices, by line."""
        found: dict[str, list[str]] = {}
        for post in self.fake.posts.values():
            if not post.text.startswith(_NOTICE):
                found.setdefault(post.name.removeprefix("en/"), []).append(post.text)
        return found

    def _check_posts(self) -> None:
        if self.fake.can_find:
            for name, texts in self.shown.items():
                assert len(texts) == 1, f"{name} shows twice: {texts}"
        else:
            posts = [post for post in self.fake.posts.values() if not post.text.startswith(_NOTICE)]
            begun = [(post.name, post.texts[0]) for post in posts]
            assert len(begun) == len(set(begun)), f"a text was posted twice: {sorted(begun)}"

    def _check(self) -> None:
        current = self.log.current
        shown = self.shown
        for name, line in current.items():
            record = self.plan.records.get(name)
            verdict = Verdict.NEVER_SENT if record is None else record.verdict
            texts = shown.get(name, [])
            if line.status is Status.USABLE and verdict is not Verdict.UNKNOWN:
                assert post_text(line) in texts, (name, verdict, texts)
            elif line.status is not Status.USABLE:
                assert verdict in (Verdict.GONE, Verdict.NEVER_SENT, Verdict.CANT_UNDO), (name, verdict)
                assert not texts or verdict is Verdict.CANT_UNDO, (name, verdict, texts)
            if self.fake.can_find:
                assert verdict not in (Verdict.UNKNOWN, Verdict.CANT_UNDO), record
                assert len(texts) == (line.status is Status.USABLE), (name, verdict, texts)
        for name in shown.keys() - current.keys():
            assert self.plan.records[name].verdict is Verdict.CANT_UNDO, (name, shown[name])
