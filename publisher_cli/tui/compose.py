"""The compose line at work: judged at each key, asked about where it is asked twice, and handed in."""

from __future__ import annotations

from typing import Final

from textual.timer import Timer

from publisher_cli.output import bidi, messages
from publisher_cli.tui.draft import Draft, Opinion, asks_twice, opinion_of, shown_words, submission_of
from publisher_cli.tui.drafts import Drafts
from publisher_cli.tui.messages import Stage
from publisher_cli.tui.model import Picture, State
from publisher_cli.tui.widgets.composer import Composer
from publisher_cli.tui.widgets.prompt import Question
from ticker.core.errors import SettingsError
from ticker.core.line import Line

CHECK_S: Final = 0.06
"""After the last key, before the rules are run: nobody reads a finding between two keys."""


class Writing:
    """The draft that stands in the composer, and those that were left for it."""

    def __init__(self, stage: Stage, composer: Composer, drafts: Drafts) -> None:
        self._stage = stage
        self._composer = composer
        self._drafts = drafts
        self._check_timer: Timer | None = None
        self.opinion: Opinion | None = None

    @property
    def unsent(self) -> str:
        """The text that stands there and was not sent."""
        draft = self._composer.draft
        return "" if draft.is_blank else draft.typed.text

    # What stands there

    def load(self, draft: Draft) -> None:
        """Show a draft, or what was typed in its place before."""
        if (picture := self._stage.picture) is not None:
            self._composer.load(self._drafts.recall(picture.name, draft), picture.stored)

    def stash(self) -> None:
        """Keep what stands there for when its editor comes back to it."""
        if (picture := self._stage.picture) is not None:
            self._drafts.stash(picture.name, self._composer.draft)

    def bring_back(self, draft: Draft) -> None:
        picture = self._stage.picture
        if picture is not None and self._composer.draft.is_blank:
            self._composer.load(draft, picture.stored)

    def clear(self, draft: Draft) -> bool:
        """Make room for a new line, unless something else than `draft` stands there by now; whether it was made."""
        if self._composer.draft != draft:
            return False
        self.load(Draft())
        return True

    # What the desk would say of it

    def changed(self) -> None:
        """At each key."""
        if self._stage.picture is not None:
            self._composer.show_count(self._stage.picture.stored.edition)
            self.check_soon()

    def check_soon(self) -> None:
        if self._check_timer is not None:
            self._check_timer.stop()
        self._check_timer = self._composer.set_timer(CHECK_S, self.check)

    def check(self) -> Opinion | None:
        """What the desk would say of what stands there now; None while there is nothing to judge."""
        if not self._composer.is_attached:
            return None
        picture, now, draft = self._stage.picture, self._stage.now(), self._composer.draft
        self.opinion = None if draft.is_blank or picture is None else opinion_of(draft, picture, now)
        zone, is_live = None if picture is None else picture.zone, self._stage.connection.state is State.LIVE
        self._composer.show_opinion(self.opinion, now, zone, is_live=is_live)
        self._stage.show()
        return self.opinion

    # Handing it in

    def send(self) -> None:
        """Hand in what stands there, or say why not; what needs a second thought is asked first."""
        picture, draft = self._stage.picture, self._composer.draft
        if picture is None:
            self._stage.refuse("there is no connection yet, and nothing was sent: the text stays here")
        elif self._stage.mail.is_writing:
            self._stage.refuse("wait for the desk's answer to the line before this one")
        elif draft.is_blank:
            why = "there is nothing to send: type a line" if draft.line is None else "nothing has been changed"
            self._stage.refuse(why)
        else:
            self._submit(draft, picture)

    def _submit(self, draft: Draft, picture: Picture) -> None:
        opinion = self.check()
        if opinion is None or opinion.submission is None or not opinion.can_be_sent:
            errors = () if opinion is None else opinion.errors
            details = "; ".join(finding.detail for finding in errors)
            self._stage.refuse(f"{details}: nothing was sent", word="REFUSED")
        elif asks_twice(draft, opinion.submission):
            self._ask_twice(draft, picture)
        elif draft.line is not None:
            self._ask_change(draft, draft.line, picture)
        else:
            self._hand_in(draft, picture)

    def _ask_twice(self, draft: Draft, picture: Picture) -> None:
        what = "GO WITHOUT A SECOND PERSON" if draft.typed.glass.strip() else "SEND THIS FLASH"
        self._stage.ask(
            Question(
                title=f"{what} TO {picture.name.upper()}?",
                about=_quoted(draft, picture),
                hint="y: send it now · any other key: back to the text",
                key="y",
                answer=lambda _: self._hand_in(draft, picture),
            )
        )

    def _ask_change(self, draft: Draft, line: Line, picture: Picture) -> None:
        """Show before and after: whoever typed on the board by mistake sees it here, and not on air."""
        now, was = _quoted(draft, picture), bidi.isolated(messages.composed(line), line.dir)
        self._stage.ask(
            Question(
                title=f"{draft.change.upper()} {line.id[:4]} IN {picture.name.upper()}?",
                about=f"was: {was}\nnow: {now}" if now != was else now,
                hint="Enter: send it now · any other key: back to the text",
                key="enter",
                answer=lambda _: self._hand_in(draft, picture),
            )
        )

    def _hand_in(self, draft: Draft, picture: Picture) -> None:
        try:
            key = self._drafts.key_for(picture.name, draft)
            submission = submission_of(draft, key, self._stage.now(), picture.zone)
        except SettingsError as error:
            self._stage.refuse(str(error))
            return
        quoted = _quoted(draft, picture)
        self._stage.send(submission, quoted, edition=picture.name, line=draft.line, draft=draft)


def _quoted(draft: Draft, picture: Picture) -> str:
    """The text as it will be read."""
    line = shown_words(draft, picture.stored.edition.dir)
    return "" if line is None else bidi.isolated(messages.composed(line), line.dir)
