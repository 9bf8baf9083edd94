"""What the desk view shows: which edition, how the connection is, in which direction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
from rich.cells import cell_len
from textual.content import Content

from publisher_cli.tui.model import State
from publisher_cli.tui.wrapping import wrapped
from tests.support.desk_harness import Newsroom, lines_of, new
from tests.support.servers import RedisServer
from tests.support.strategies import ENGLISH
from tests.support.tui_harness import run_tui
from ticker.core.edition import DEFAULT_EDITIONS, Edition
from ticker.settings import Settings
from ticker.store.editors import register
from ticker.store.log_reader import rotate
from ticker.store.reach import Report, report_reach

STORM = "Weather office: Storm nears the coast"
TEST_EDITION = msgspec.structs.replace(ENGLISH, title="Rehearsal", test=True)


@asynccontextmanager
async def desks(url: str, **editions: Edition) -> AsyncIterator[dict[str, Newsroom]]:
    """A desk for each edition."""
    async with AsyncExitStack() as stack:
        rooms = {}
        for name, edition in editions.items():
            room = rooms[name] = Newsroom(url, name)
            room.settings = msgspec.structs.replace(Settings(), editions={name: edition})
            stack.push_async_callback(room.aclose)
            await stack.enter_async_context(room.desk())
        yield rooms


async def test_the_board_shows_what_others_post_and_how_many_readers_have_it(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, size=(140, 40)) as tui:
        await tui.shows("nothing is on the board", "● live · entry 0")
        await newsroom.ask("omar", new("k1", "Harbour: Ferries stop", urgency=2, section="economy"))
        await tui.shows("BULLETIN Harbour: Ferries stop", "Economy", "no gateway reports readers")
        await report_reach(newsroom.redis, "en", Report("g1", 1, 1, 9_000, 12.0))
        await report_reach(newsroom.redis, "en", Report("g2", 1, 1, 5_982, 143.0))
        await tui.shows("entry 1 · 2 gateways · 14,982 readers · 143 ms", "v1 new by omar")


async def test_each_edition_has_its_own_board_and_keeps_its_own_draft(redis_url: str) -> None:
    async with desks(redis_url, ar=DEFAULT_EDITIONS["ar"], en=ENGLISH) as rooms:
        await rooms["en"].ask("omar", new("k1", "Ferries stop"))
        await rooms["ar"].ask("omar", new("k1", "توقف العبّارات"))
        async with run_tui(redis_url, "en") as tui:
            await tui.shows("Ferries stop")
            await tui.paste(STORM)
            await tui.press("ctrl+n")
            await tui.shows("أخبار عاجلة", "توقف العبّارات", "0/160")
            assert tui.typed == ""
            assert "Ferries stop" not in tui.text
            await tui.paste("زلزال قوي")
            await tui.press("ctrl+n")
            await tui.shows("Ferries stop", "21/160")
            assert tui.typed == STORM
            await tui.press("enter")
            await tui.shows("ON AIR")
            await tui.press("ctrl+n")
            await tui.shows("توقف العبّارات")
            assert tui.typed == "زلزال قوي"
        assert lines_of(await rooms["en"].entries()) == ["Ferries stop", "Storm nears the coast"]
        assert lines_of(await rooms["ar"].entries()) == ["توقف العبّارات"]


async def test_a_line_from_right_to_left_is_isolated_and_begins_at_the_right(redis_url: str) -> None:
    text = "بي بي سي: " + "عاصفة قوية تقترب من الساحل الغربي للبلاد " * 3
    async with desks(redis_url, ar=DEFAULT_EDITIONS["ar"]) as rooms:
        await rooms["ar"].ask("omar", new("k1", "AFP: انقطاع الكهرباء", urgency=2))
        await rooms["ar"].ask("omar", new("k2", text))
        async with run_tui(redis_url, "ar", size=(80, 24)) as tui:
            await tui.shows("انقطاع الكهرباء")
            rows = [line for line in tui.screen if "عاصفة" in line or "الكهرباء" in line]
    pieces = [line.rstrip(" ▁▂▃▄▅▆▇█") for line in rows]
    assert len(pieces) > 2
    assert all(piece[-1] == "\u2069" and piece.count("\u2067") == 1 for piece in pieces)
    assert len({cell_len(piece) for piece in pieces}) == 1  # all end in the same column
    assert any("\u2067\u2068AFP\u2069: انقطاع الكهرباء\u2069" in piece for piece in pieces)


async def test_a_latin_name_before_an_arabic_text_draws_no_number_to_itself(redis_url: str) -> None:
    shown = "\u2067\u2068AFP\u2069: 12 قتيلا\u2069"
    async with desks(redis_url, ar=DEFAULT_EDITIONS["ar"]), run_tui(redis_url, "ar") as tui:
        await tui.paste("AFP: 12 قتيلا")
        await tui.shows(shown)
        await tui.press("enter")
        await tui.shows(f"ON AIR ar 1 “{shown}”", f" {shown} ")
        await tui.paste("AFP: 17 قتيلا")
        await tui.press("tab", "tab", "tab", "tab")
        await tui.type("2h")
        await tui.press("enter")
        await tui.shows("HELD")
        await tui.press("f4")
        await tui.shows("in 2 h \u2067\u2068AFP\u2069: 17 قتيلا\u2069")


async def test_a_name_is_slanted_but_for_an_arabic_one(redis_url: str) -> None:
    async with desks(redis_url, ar=DEFAULT_EDITIONS["ar"]) as rooms:
        await rooms["ar"].ask("omar", new("k1", "Reuters: انقطاع الكهرباء"))
        await rooms["ar"].ask("omar", new("k2", "بي بي سي: عاصفة قوية"))
        async with run_tui(redis_url, "ar") as tui:
            await tui.shows("انقطاع", "عاصفة")
            assert "Reuters" in tui.italic
            assert "بي بي سي" not in tui.italic


async def test_what_is_isolated_over_two_lines_is_isolated_in_each(redis_url: str) -> None:
    async with desks(redis_url, ar=DEFAULT_EDITIONS["ar"]), run_tui(redis_url, "ar", size=(80, 24)) as tui:
        await tui.paste("عاصفة قوية تقترب من الساحل الغربي للبلاد وتوقف حركة العبّارات حتى صباح الغد في الميناء")
        await tui.press("enter")
        await tui.shows("ON AIR")
        lines = [line for line in tui.screen if "\u2067" in line or "\u2069" in line]
    assert sum("\u2067" in line for line in lines) > 3
    for line in lines:
        assert line.count("\u2067") + line.count("\u2068") == line.count("\u2069"), ascii(line)


def test_what_is_isolated_over_two_lines_keeps_the_direction_of_its_first_letter() -> None:
    reason = "تصحيح من الوكالة Reuters said so"
    first, second = wrapped(Content(f"told: \u2068{reason}\u2069"), 24).plain.split("\n")
    assert first == "told: \u2068تصحيح من الوكالة\u2069"
    assert second == "\u2067Reuters said so\u2069"


async def test_a_withdrawal_tells_what_is_still_up_of_the_same_story(redis_url: str) -> None:
    async with desks(redis_url, es=DEFAULT_EDITIONS["es"], en=ENGLISH) as rooms:
        await rooms["en"].ask("omar", new("k1", "Ferries stop", coverage="storm"))
        sister = await rooms["es"].ask("omar", new("k1", "Paran los ferris", coverage="storm"))
        await rooms["es"].ask("omar", new("k2", "Cierran las urnas", coverage="election"))
        async with run_tui(redis_url, "en") as tui:
            await tui.shows("Ferries stop")
            await tui.press("escape", "w", "n", "o", "enter", "y")
            await tui.shows("WITHDRAWN", f"STILL ON AIR, same story (Ctrl+N goes there): es {sister.id} Paran los")
            assert "Cierran" not in tui.text


async def test_lines_expire_and_pins_end_by_the_clock(newsroom: Newsroom) -> None:
    ahead = timedelta()
    now = datetime.now(UTC)
    async with newsroom.desk(), run_tui(newsroom.url, clock=lambda: datetime.now(UTC) + ahead) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop", pinned_until=now + timedelta(hours=1)))
        await newsroom.ask("omar", new("k2", "Polls are open", expires_at=now + timedelta(hours=2)))
        await tui.shows("PIN", "Board 2")
        ahead = timedelta(hours=1)
        await tui.until(lambda: "PIN" not in tui.text, "the pin has ended")
        ahead = timedelta(hours=2)
        await tui.shows("Board 1", "not on the board", "EXPIRED")


async def test_a_redis_that_hangs_is_said_like_one_that_is_gone(redis_server: RedisServer, newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, deadline_s=0.5) as tui:
        redis_server.pause()
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("NOT ON AIR", "NOT CONNECTED since", "doesn't answer in time")
        assert tui.typed == STORM
        redis_server.resume()
        await tui.is_live()
    assert await newsroom.entries() == []


async def test_a_test_edition_can_t_be_missed(redis_url: str) -> None:
    async with desks(redis_url, trial=TEST_EDITION) as rooms:
        await rooms["trial"].ask("omar", new("k1", "Ferries stop"))
        async with run_tui(redis_url, "trial", size=(80, 24)) as tui:
            await tui.shows(
                "TEST EDITION · nothing here is for the public", "TEST Ferries stop", "Rehearsal TEST EDITION"
            )


async def test_redis_killed_is_said_at_once_and_when_it_is_back_nothing_is_posted_twice(
    redis_server: RedisServer, newsroom: Newsroom
) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        redis_server.kill()
        await tui.shows("NOT CONNECTED since", "nothing goes on air", "Reconnecting", "Ferries stop")
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("NOT ON AIR", "can't be reached")
        assert tui.typed == STORM
        redis_server.start()
        await tui.until(lambda: tui.app.connection.state is State.LIVE, "it is live again")
        await tui.shows("● live")
        assert "NOT CONNECTED" not in tui.text
        await tui.press("enter")
        await tui.shows("ON AIR", "en 2 “Weather office: Storm nears the coast”")
    assert lines_of(await newsroom.entries()) == ["Ferries stop", "Storm nears the coast"]


async def test_a_desk_that_is_silent_is_said_loudly_and_the_same_words_again_make_no_second_line(
    newsroom: Newsroom,
) -> None:
    async with newsroom.desk():
        pass  # the edition is made, and nobody takes what is handed in
    async with run_tui(newsroom.url, deadline_s=0.5) as tui:
        await register(newsroom.redis, "en", "maha")
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("SENDING", "waiting for the desk")
        await tui.shows("NOT ON AIR", "no desk answered")
        assert tui.typed == STORM
        (first,) = [sent.request.key for sent in tui.app.drafts.unsettled]
        async with newsroom.desk():
            await tui.press("enter")
            await tui.shows("ON AIR", "en 1")
            await tui.until(lambda: tui.typed == "", "the compose line is empty")
    (entry,) = await newsroom.entries()
    assert entry.key == first


async def test_a_log_that_is_begun_anew_is_shown_anew(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await rotate(newsroom.redis, "en", "ab" * 32)
        await tui.until(lambda: "Ferries stop" not in tui.text, "the old board is gone")
        await tui.shows("● live · entry 0")


async def test_without_any_redis_it_says_so_and_comes_up_by_itself(
    redis_server: RedisServer, newsroom: Newsroom
) -> None:
    async with newsroom.desk():
        await newsroom.ask("omar", new("k1", "Ferries stop"))
    redis_server.kill()
    async with run_tui(newsroom.url, live=False) as tui:
        await tui.shows("NOT CONNECTED since")
        await tui.press("enter")
        await tui.shows("NOT DONE", "there is no connection yet")
        redis_server.start()
        await tui.shows("Ferries stop", "● live")


async def test_help_covers_the_keys_and_any_key_closes_it(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, size=(80, 24)) as tui:
        await tui.press("f1")
        await tui.shows("COMPOSE LINE", "Withdraw for good", "it can't go on air twice.")
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.press("space")
        await tui.shows("Ferries stop")
        await tui.press("escape", "question_mark")
        await tui.shows("EVERYWHERE")


async def test_leaving_with_words_unsent_asks_and_gives_them_back(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await tui.paste(STORM)
        await tui.press("ctrl+q")
        await tui.shows("A LINE IS NOT SENT: QUIT ANYWAY?")
        await tui.press("n")
        await tui.shows("nothing was done")
        await tui.press("ctrl+q", "enter")
        assert tui.app.return_value == STORM


async def test_it_is_whole_at_80_by_24_with_everything_open(newsroom: Newsroom) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, size=(80, 24)) as tui:
        for number in range(12):
            await newsroom.ask(
                "omar", new(f"k{number}", f"Harbour: Ferries stop, in the {number}th hour " + "again " * 8)
            )
        await tui.press("escape", "c")
        await tui.press("ctrl+o", "shift+tab", "shift+tab", "shift+tab", "shift+tab", "shift+tab")
        await tui.paste(" and again" * 9)
        await tui.shows("CORRECT", "correct needs a reason", "too long", "f1 help", "● live", "11th hour")
        await tui.shows("urg 4", "regions", "at", "story", "url", "embargo", "expires", "what was wrong")
