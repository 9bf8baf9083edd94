"""Telegram, Slack and Mastodon in memory, with their limits: what each accepts, remembers, shows and deletes."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ticker.relay.posts import NotAllowedError, NotThereError
from ticker.relay.texts import mark_of

HOUR_S: Final = 3600.0


class FakePost(msgspec.Struct):
    """A post. `texts` has all that it has shown, the newest last. `name` is the line's, if the service stores it."""

    ref: str
    name: str
    at: float
    texts: list[str]

    @property
    def text(self) -> str:
        return self.texts[-1]


class FakeService:
    """One account or channel. Subclasses have the limits of a service.

    Attributes:
        posts: The posts that show, by ref.
        created: The line and the text of each post that was ever created.

    """

    title = "Fake"
    can_find = True
    keyed_s = 0.0
    edit_erases = True
    delete_s: float | None = None

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.posts: dict[str, FakePost] = {}
        self.created: list[tuple[str, str]] = []
        self._refs = 100

    def create(self, text: str, name: str, key: str, lang: str) -> str:
        self._refs += 1
        ref = str(self._refs)
        self.posts[ref] = FakePost(ref, name, self.clock(), [text])
        self.created.append((name, text))
        return ref

    def edit(self, ref: str, text: str) -> None:
        self.post(ref).texts.append(text)

    def delete(self, ref: str) -> None:
        self.post(ref)
        del self.posts[ref]

    def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        raise AssertionError(f"{self.title} has no search")

    def post(self, ref: str) -> FakePost:
        if ref not in self.posts:
            raise NotThereError(ref)
        return self.posts[ref]


class FakeMastodon(FakeService):
    """Remembers keys for an hour, and shows the history of an edited status to everybody."""

    title = "Mastodon"
    keyed_s = HOUR_S - 300
    edit_erases = False

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.keys: dict[str, tuple[float, str]] = {}

    def create(self, text: str, name: str, key: str, lang: str) -> str:
        at, ref = self.keys.get(key, (0.0, ""))
        if key and self.clock() - at < HOUR_S:
            return self.post(ref).ref  # also after it was deleted, the key creates no other one
        ref = super().create(text, name, key, lang)
        self.keys[key] = (self.clock(), ref)
        return ref

    def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        for post in reversed(self.posts.values()):
            if post.at >= since - 60 and mark_of(html.unescape(post.text)) in marks:
                return post.ref
        return None


class FakeSlack(FakeService):
    """Finds a message by the line that its metadata name."""

    title = "Slack"

    def find(self, name: str, marks: Sequence[str], since: float) -> str | None:
        for post in reversed(self.posts.values()):
            if post.at >= since - 60 and post.name == name:
                return post.ref
        return None


class FakeTelegram(FakeService):
    """Deletes no message after 48 hours, and edits none after `edit_s`. It has no search and no keys."""

    title = "Telegram"
    can_find = False
    delete_s = 48 * HOUR_S
    edit_s: float | None = None

    def edit(self, ref: str, text: str) -> None:
        if self.edit_s is not None and self.clock() - self.post(ref).at > self.edit_s:
            raise NotAllowedError(ref)
        super().edit(ref, text)

    def delete(self, ref: str) -> None:
        if self.clock() - self.post(ref).at > self.delete_s:
            raise NotAllowedError(ref)
        super().delete(ref)


SERVICES: Final[dict[str, type[FakeService]]] = {
    "mastodon": FakeMastodon,
    "slack": FakeSlack,
    "telegram": FakeTelegram,
}
