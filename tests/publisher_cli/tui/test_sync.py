"""The connection to Redis: the application stays up to date, and loses and repeats nothing."""

from __future__ import annotations

from publisher_cli.tui.model import State
from publisher_cli.tui.widgets.composer import Composer
from tests.support.desk_harness import DeskHarness, lines_of, new
from tests.support.servers import RedisServer
from tests.support.tui_harness import run_tui
from ticker.store.editors import register
from ticker.store.log_reader import rotate
from ticker.store.reach import Report, report_reach

STORM = "Weather office: Storm nears the coast"


async def test_board_shows_lines_of_other_editors_and_their_reach(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, size=(140, 40)) as tui:
        await tui.shows("nothing is on the board", "● live · entry 0")
        await newsroom.ask("omar", new("k1", "Harbour: Ferries stop", urgency=2, section="economy"))
        await tui.shows("BULLETIN Harbour: Ferries stop", "Economy", "no gateway reports readers")
        await report_reach(newsroom.redis, "en", Report("g1", 1, 1, 9_000, 12.0))
        await report_reach(newsroom.redis, "en", Report("g2", 1, 1, 5_982, 143.0))
        await tui.shows("entry 1 · 2 gateways · 14,982 readers · 143 ms", "v1 new by omar")


async def test_redis_that_hangs_is_shown_as_not_connected(redis_server: RedisServer, newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url, deadline_s=0.5) as tui:
        redis_server.pause()
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("NOT ON AIR", "NOT CONNECTED since", "doesn't answer in time")
        assert tui.typed == STORM
        redis_server.resume()
        await tui.is_live()
    assert await newsroom.entries() == []


async def test_killed_redis_is_shown_at_once_and_nothing_is_posted_twice_after_its_restart(
    redis_server: RedisServer, newsroom: DeskHarness
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


async def test_line_sent_again_after_a_missing_receipt_is_published_once(
    newsroom: DeskHarness,
) -> None:
    async with newsroom.desk():
        pass  # the edition exists, but its desk has stopped
    async with run_tui(newsroom.url, deadline_s=5) as tui:
        await register(newsroom.redis, "en", "maha")
        await tui.paste(STORM)
        await tui.press("enter")
        await tui.shows("SENDING", "waiting for the desk")
        await tui.shows("NOT ON AIR", "no desk answered")
        assert tui.typed == STORM
        first = tui.app.drafts.key_for("en", tui.app.query_one(Composer).draft)
        async with newsroom.desk():
            await tui.press("enter")
            await tui.shows("ON AIR", "en 1")
            await tui.until(lambda: tui.typed == "", "the compose line is empty")
    (entry,) = await newsroom.entries()
    assert entry.key == first


async def test_replaced_log_is_read_again(newsroom: DeskHarness) -> None:
    async with newsroom.desk(), run_tui(newsroom.url) as tui:
        await newsroom.ask("omar", new("k1", "Ferries stop"))
        await tui.shows("Ferries stop")
        await rotate(newsroom.redis, "en", "ab" * 32)
        await tui.until(lambda: "Ferries stop" not in tui.text, "the old board is gone")
        await tui.shows("● live · entry 0")


async def test_application_connects_by_itself_once_redis_is_reachable(
    redis_server: RedisServer, newsroom: DeskHarness
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
