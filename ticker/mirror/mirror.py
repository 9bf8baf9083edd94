"""Keep the files of a folder as a gateway's answers are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Final

import msgspec
import structlog

from ticker.core.edition import check_name
from ticker.core.errors import UNREADABLE, SettingsError, StoreError
from ticker.core.messages import MessageError
from ticker.core.tail import Tail, decode_tail
from ticker.mirror.gateway import Answer, Gateway
from ticker.mirror.hosts import HEADERS_FILE, NGINX_FILE, headers_file, nginx_file, pattern_of
from ticker.mirror.plan import EDITIONS, INDEX, MODULES, Wanted, assets_in, has_removed_texts, tail_file, wanted_files
from ticker.mirror.tree import Tree

_log: Final = structlog.get_logger("ticker.mirror")


class _Copy(msgspec.Struct):
    """An edition of the mirror.

    Attributes:
        tail: The tail that its files were made after, or None if they have to be made again.
        etag: The entity tag of that tail.
        assets: The files that its pages load.

    """

    tail: Tail | None = None
    etag: str = ""
    assets: set[str] = msgspec.field(default_factory=set)


class Mirror:
    """A folder with the answers of a gateway about some editions, by default about all open ones.

    `refresh` does one round. It is called again and again, and after a failure as well as after a success.

    Args:
        tree: The folder.
        gateway: The gateway, or one of several.
        names: The editions, or none for all open ones.
        keep_s: After how many seconds without an answer the files are removed; 0 keeps them.
        monotonic: Returns a time in seconds that never goes back.

    """

    def __init__(
        self, tree: Tree, gateway: Gateway, names: Collection[str], *, keep_s: float, monotonic: Callable[[], float]
    ) -> None:
        self._tree = tree
        self._gateway = gateway
        self._names = frozenset(names)
        self._keep_s = keep_s
        self._monotonic = monotonic
        self._answered_at = monotonic()
        self._copies: dict[str, _Copy] = {}
        self._rules: dict[str, Mapping[str, str]] = {}
        self._fixed: set[str] = set()  # the files under /widget/ that were written since the start
        self._is_failing = False

    def refresh(self) -> bool:
        """Bring all files up to date. Return False if the gateway doesn't answer: the next round tries again.

        Raises:
            SettingsError: If the first answer lacks an edition that the mirror should have.
            OSError: If the disk fails.

        """
        try:
            self._refresh()
        except (StoreError, MessageError) as error:
            if not self._is_failing:
                _log.warning("mirror-failed", error=str(error))
            self._is_failing = True
            self._fixed.clear()  # perhaps the gateway is upgraded
            if self._keep_s and self._monotonic() - self._answered_at > self._keep_s:
                self._remove_all()
            return False
        if self._is_failing:
            _log.info("mirror-recovered")
        self._is_failing = False
        self._answered_at = self._monotonic()
        return True

    def _refresh(self) -> None:
        editions = self._get(EDITIONS)
        names = self._chosen(editions)
        gone = self._copies.keys() - names
        for name in gone:
            self._copies.pop(name)
        if gone or not self._copies:
            self._remove_others(names)
        self._write(EDITIONS, editions, listed(editions.content, names))
        changed = [name for name in sorted(names) if self._refresh_edition(name)]
        for path in MODULES:
            self._write_fixed(path)
        if changed or gone:
            self._remove_others(names)
            self._tree.write(HEADERS_FILE, headers_file(self._rules))
            self._tree.write(NGINX_FILE, nginx_file(self._rules))

    def _chosen(self, answer: Answer) -> set[str]:
        """Return the editions to copy. A private edition is never among them: a static host can't check tokens."""
        served = names_in(answer.content)
        missing = self._names - served
        if missing and not self._copies:
            known = ", ".join(sorted(served)) or "none"
            raise SettingsError(
                f"{self._gateway.address} serves no open edition {min(missing)!r}: it has {known}. "
                "A private edition can't be mirrored, because a static host checks no tokens"
            )
        return served & self._names if self._names else served

    def _refresh_edition(self, name: str) -> bool:
        """Bring an edition's files up to date. Return whether they may have changed."""
        copy = self._copies.setdefault(name, _Copy())
        wanted = tail_file(name)
        answer = self._gateway.get(wanted.target, copy.etag if copy.tail is not None else "")
        if answer.status == HTTPStatus.NOT_MODIFIED:
            return False
        tail = decode_tail(_checked(answer, wanted).content)
        files = wanted_files(name, tail)
        before, copy.tail = copy.tail, None  # until all files are written, this round counts as failed
        is_removal = has_removed_texts(before, tail)
        self._write(wanted.path, answer)
        try:
            pages = self._fetch(files)
        except StoreError:
            # The text mustn't stay in a file that couldn't be written again.
            if is_removal:
                self._remove(path for path in self._paths_of(name) if path != wanted.path)
            raise
        for path in self._paths_of(name) - pages.keys() - {wanted.path}:
            self._tree.remove(path)
        copy.assets = set()
        for path, page in pages.items():
            self._write(path, page)
            if path.endswith(INDEX):
                copy.assets |= assets_in(page.content)
        for path in sorted(copy.assets):
            self._write_fixed(path)
        copy.tail, copy.etag = tail, answer.etag
        return True

    def _fetch(self, files: Iterable[Wanted]) -> dict[str, Answer]:
        """Return the answers by path, without those that the gateway doesn't have (any more).

        Raises:
            StoreError: If the gateway doesn't answer, or over another connection: then the answers may be of a process
                that doesn't have the tail yet.

        """
        found: dict[str, Answer] = {}
        for wanted in files:
            if not self._gateway.is_open:
                raise StoreError(f"{self._gateway.address} closed the connection during a round")
            answer = self._gateway.get(wanted.target)
            if answer.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                found[wanted.path] = _checked(answer, wanted)
        return found

    def _get(self, path: str) -> Answer:
        wanted = Wanted(path, f"/{path}")
        return _checked(self._gateway.get(wanted.target), wanted)

    def _write(self, path: str, answer: Answer, content: bytes | None = None) -> None:
        self._tree.write(path, answer.content if content is None else content)
        self._rules[pattern_of(path)] = answer.headers

    def _write_fixed(self, path: str) -> None:
        """Write a file that doesn't change while the gateway runs."""
        if path not in self._fixed:
            self._write(path, self._get(path))
            self._fixed.add(path)

    def _paths_of(self, name: str) -> set[str]:
        return self._tree.paths(f"{name}/") | self._tree.paths(f"v1/{name}/")

    def _remove_others(self, names: Collection[str]) -> None:
        """Remove every file that is of none of these editions: of earlier ones, and of an earlier run."""
        own = {EDITIONS, *MODULES, *(path for copy in self._copies.values() for path in copy.assets)}
        own |= {HEADERS_FILE, NGINX_FILE} if self._copies else set()
        for name in names:
            own |= self._paths_of(name)
        self._remove(self._tree.paths() - own)
        self._fixed &= own
        kept = {pattern_of(path) for path in own}
        self._rules = {pattern: headers for pattern, headers in self._rules.items() if pattern in kept}

    def _remove_all(self) -> None:
        if self._copies or self._tree.paths():
            _log.warning("mirror-emptied", after_s=self._keep_s)
        self._copies.clear()
        self._fixed.clear()
        self._remove(self._tree.paths())

    def _remove(self, paths: Iterable[str]) -> None:
        for path in list(paths):
            self._tree.remove(path)


def names_in(editions: bytes) -> set[str]:
    """Return the names of the editions in the list of a gateway.

    Raises:
        StoreError: If the document has another form.

    """
    return {check_name(name) for name, _ in _entries(editions)}


def listed(editions: bytes, names: Collection[str]) -> bytes:
    """Return the list of a gateway with only the editions of the mirror."""
    return msgspec.json.encode({"editions": [entry for name, entry in _entries(editions) if name in names]})


def _entries(editions: bytes) -> list[tuple[str, object]]:
    """Return the name and the entry of each edition in the list of a gateway."""
    try:
        found = [(each["name"], each) for each in msgspec.json.decode(editions)["editions"]]
    except (*UNREADABLE, KeyError, TypeError) as error:
        raise StoreError("the list of editions can't be read: is the address that of a gateway?") from error
    if not all(isinstance(name, str) for name, _ in found):
        raise StoreError("the list of editions has a name that isn't a text")
    return found


def _checked(answer: Answer, wanted: Wanted) -> Answer:
    if answer.status != HTTPStatus.OK:
        raise StoreError(f"the gateway answers {wanted.target} with {answer.status}")
    return answer
