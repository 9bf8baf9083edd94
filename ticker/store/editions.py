"""The editions that exist: their names, their settings, and the nonce before the first entry of each log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import msgspec

from ticker.core.edition import Edition, in_order
from ticker.core.errors import UNREADABLE, SettingsError, StoreError
from ticker.core.position import history_of
from ticker.core.submission import Receipt
from ticker.store.keys import EDITIONS, Keys
from ticker.store.replies import as_text
from ticker.store.scripts import script

if TYPE_CHECKING:
    from ticker.store.connection import Redis
    from ticker.store.direct import AnyRedis

_NONCE: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Edition)


class Continued(msgspec.Struct, frozen=True):
    """The histories that `ticker repair` has replaced by the present one, without a rotation in between.

    `lost` has the positions of their entries that were lost. All others were copied, or had been trimmed before.
    """

    histories: tuple[str, ...] = ()
    lost: frozenset[str] = frozenset()

    def has(self, history: str, position: str) -> bool:
        """Return whether the entry was published in one of the histories and is not lost."""
        return history in self.histories and position not in self.lost


_continued_decoder = msgspec.json.Decoder(Continued)
NOTHING_CONTINUED: Final = Continued()


class StoredEdition(msgspec.Struct, frozen=True):
    """An edition as stored in Redis. `nonce` is the link before the log's first entry: 64 hex digits."""

    name: str
    edition: Edition
    nonce: str
    continued: Continued = NOTHING_CONTINUED

    @property
    def history(self) -> str:
        """The name of the present history, as in receipts."""
        return history_of(self.nonce)

    def counts(self, receipt: Receipt) -> bool:
        """Return whether the receipt answers its key: it names no entry, or one of this or a continued history."""
        if receipt.is_of_history(self.history):
            return True
        return self.continued.has(receipt.history or "", receipt.position or "")


def check_nonce(nonce: str) -> str:
    """Return the nonce if it is 64 lower-case hex digits.

    Raises:
        StoreError: If it is anything else.

    """
    if _NONCE.fullmatch(nonce) is None:
        raise StoreError(
            f"a log can't begin with this nonce of {len(nonce)} characters: a nonce is 64 lower-case hex digits"
        )
    return nonce


async def save_edition(redis: Redis, name: str, edition: Edition, nonce: str) -> None:
    """Create an edition or change its settings. A new edition's log begins with `nonce`; an old one keeps its nonce.

    Raises:
        SettingsError: If a public edition in use would become a test edition, or the other way round.

    """
    keys = Keys(name)
    names = (keys.edition, keys.log, keys.held)
    settings = cast("str", _encoder.encode(edition))
    if not await redis.eval(script("edition"), len(names), *names, settings, check_nonce(nonce), keys.editors):
        was, wanted = ("public", "a test edition") if edition.test else ("a test edition", "public")
        raise SettingsError(
            f"edition {name} is {was} and in use, but the settings make it {wanted}: set "
            f"`test = {str(not edition.test).lower()}` in [editions.{name}], and add another edition for the other use"
        )
    # A separate command, because the set is in another Cluster slot. It comes last, so that a name in the set always
    # has its settings.
    await redis.sadd(EDITIONS, name)


async def load_edition(redis: AnyRedis, name: str) -> StoredEdition | None:
    """Return the edition, or None if it doesn't exist.

    Raises:
        StoreError: If this version can't read the stored settings.

    """
    settings, nonce, continued = await redis.hmget(Keys(name).edition, ["settings", "nonce", "continued"])
    if settings is None or nonce is None:
        return None
    return decode_edition(name, cast("bytes", settings), as_text(nonce), cast("bytes", continued or b""))


def decode_edition(name: str, settings: bytes | str, nonce: str, continued: bytes | str) -> StoredEdition:
    """Decode the stored fields of an edition.

    Raises:
        StoreError: If this version can't read them.

    """
    try:
        edition = _decoder.decode(settings)
        histories = _continued_decoder.decode(continued) if continued else NOTHING_CONTINUED
        return StoredEdition(name, edition, check_nonce(nonce), histories)
    except UNREADABLE as error:
        raise StoreError(f"this version can't read the stored settings of edition {name}: {error}") from error


async def edition_names(redis: AnyRedis) -> list[str]:
    """Return the names of the editions that exist, in their order."""
    return in_order(as_text(name) for name in await redis.smembers(EDITIONS))
