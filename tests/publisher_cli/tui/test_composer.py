"""The composer: completion, the length of the text, and the findings below the fields."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot
from textual.widgets import Input, Static

from publisher_cli.tui.draft import Draft, DraftFields, draft_of, validate
from publisher_cli.tui.model import EditionModel
from publisher_cli.tui.widgets.composer import Composer
from tests.support.strategies import ENGLISH, START
from tests.support.tui_harness import model_of
from ticker.core.edition import Effect, SecondPerson
from ticker.core.line import Change


class ComposerApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Composer()


@asynccontextmanager
async def composer_with(draft: Draft, model: EditionModel) -> AsyncIterator[tuple[Composer, Pilot[None]]]:
    app = ComposerApp()
    async with app.run_test(size=(100, 30)) as pilot:
        composer = app.query_one(Composer)
        composer.load(draft, model.stored)
        yield composer, pilot


def text_of(composer: Composer, name: str) -> str:
    content = composer.query_one(f"#{name}", Static).content
    assert isinstance(content, Content)
    return content.plain


async def findings(draft: Draft, model: EditionModel, *, is_live: bool = True) -> str:
    now = START + timedelta(minutes=2)
    async with composer_with(draft, model) as (composer, _):
        validation = None if draft.is_blank else validate(draft, model, now)
        composer.show_validation(validation, now, None, is_live=is_live)
        return text_of(composer, "findings")


def typed(text: str = "Ferries stop", **fields: object) -> Draft:
    return Draft(fields=msgspec.structs.replace(DraftFields(text=text), **fields))


async def test_draft_is_returned_as_it_was_loaded() -> None:
    draft = typed(story="storm", again=True)
    async with composer_with(draft, model_of()) as (composer, _):
        assert composer.draft == draft


async def test_length_beyond_the_limit_is_shown_as_too_long() -> None:
    async with composer_with(typed("x" * 170), model_of()) as (composer, _):
        composer.show_count(ENGLISH)
        assert text_of(composer, "count") == "170/160 · 10 too long"


async def test_beginning_of_a_section_is_completed_before_the_line_is_sent() -> None:
    async with composer_with(typed(), model_of()) as (composer, pilot):
        composer.query_one("#section", Input).focus()
        await pilot.press("e", "n", "v", "i")
        composer.complete_fields()
        assert composer.draft.fields.section == "environment"


async def test_valid_draft_shows_what_enter_does() -> None:
    assert (await findings(typed("Harbour: Ferries stop"), model_of())).endswith("✓ Enter: on air at once")


async def test_blank_draft_says_what_to_type() -> None:
    model = model_of("Ferries stop")
    (entry,) = model.board.newest_first()
    assert (await findings(Draft(), model)).startswith("type a line: ")
    assert (await findings(draft_of(Change.CORRECT, entry.line), model)).startswith("nothing has been changed: ")


async def test_undo_window_is_announced() -> None:
    model = model_of(edition=msgspec.structs.replace(ENGLISH, undo_s=5.0))
    assert "✓ Enter: on air after 5 s in which Ctrl+C takes it back" in await findings(typed(), model)


async def test_review_and_duplicate_name_the_key_that_helps() -> None:
    edition = msgspec.structs.replace(
        ENGLISH, second_person=(SecondPerson.FLASH,), rules={**ENGLISH.rules, "duplicate": Effect.REFUSE}
    )
    assert "(Ctrl+G breaks the glass)" in await findings(typed(urgency="1"), model_of(edition=edition))
    duplicate = await findings(typed(), model_of("Ferries stop", edition=edition))
    assert "✗ refused: " in duplicate
    assert "(Ctrl+R: send it anyway)" in duplicate
    assert "✓" not in duplicate


async def test_draft_without_a_connection_never_shows_that_it_goes_on_air() -> None:
    assert await findings(Draft(), model_of(), is_live=False) == "✗ not connected: nothing can go on air now"
    offline = await findings(typed(), model_of(), is_live=False)
    assert offline.endswith("✗ not connected: nothing can go on air now")
    assert "✓" not in offline
