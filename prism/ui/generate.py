"""What happens after a click: each handler turns the session into updates of the page.

`Handlers.begin` alone reads the controls; what was on the page before is left alone if they hold a
mistake. A generator yields ``gr.skip()`` for what stays as it is. A mistake and an error of Prism's
are written into the status line, where they stay readable; they are raised without a toast, which
would say the same again.
An error of another source stays in that source's player.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from prism.models.setting_types import Offered
from prism.models.settings import PUBLIC, SETTINGS, GenerationSettings
from prism.service.links import BLIND, MODE, Link, query, read_query
from prism.service.log import fault_words, log_fault
from prism.service.opening import Opening
from prism.service.piece import ShownPiece
from prism.service.service import Service
from prism.service.session import Generation, Session
from prism.service.sources import STOPPED, Progress, Source
from prism.service.upload import OwnPiece, UploadError, read_upload
from prism.ui.cards import Cards
from prism.ui.controls import share_value, upload_value
from prism.ui.player import piece_value, player_value, status
from prism.ui.presets import filled, offered
from prism.ui.redrawing import redraw_value
from prism.ui.takes import TakeHandlers

logger = logging.getLogger(__name__)

_BEGUN = 8  # outputs of `Handlers.begin`
_NO_NEWS = (gr.skip(),) * 5  # of a visitor's own file
NEW_NEXT = "new next"  # the kind of a status line that promises a new piece
_STOPPED = "Stopped before it was done."


class Handlers:
    """Event handlers of the Play panel."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.cards = Cards(service)
        self.example = Opening(service)
        self.takes = TakeHandlers(service)

    def welcome(self, request: gr.Request | None = None) -> list[Any]:
        """Fill in the controls once the composers are known: what a link says, else the example's.

        (composers, status, share link, mixer, *settings)
        """
        choices, link = gr.skip(), gr.skip()
        others = [gr.skip()] * (len(PUBLIC) - 1)
        try:
            known = self.service.offered
            asked = self._asked(request, known)
            example = not asked.given and bool(self.example.pieces)
            settings = self.example.shared.settings if example else asked.settings
            chosen, mix, *wanted = filled(settings, known.composers)
            count = len(known.composers)
            info = f"{SETTINGS['composers'].help} of {count}" if count > 1 else "here is only one"
            choices = gr.update(choices=known.composers, info=info, **chosen)
            others = [mix, *(wanted if asked.given or example else others[1:])]
            attributes = offered(settings, known)
            others[-len(attributes) :] = attributes
            self.service.pipeline.get()
            said, link = _greeting(asked, example), share_value(run=asked.complete)
            if example:
                link = self._shared(settings, opening=True)
        except (ValueError, OSError) as error:
            said = status(f"Prism cannot draw: {fault_words(error)}", error=True)
        return [choices, said, link, *others]

    def _asked(self, request: gr.Request | None, known: Offered) -> Link:
        given = request.query_params.multi_items() if request else ()
        return read_query(given, known, self.service.bundle.id)

    def _shared(self, settings: GenerationSettings, opening: bool = False) -> dict[str, Any]:
        return share_value(query(settings, self.service.bundle.id), opening=opening)

    def opening(self, session: Session, request: gr.Request | None = None) -> Iterator[list[Any]]:
        """Let the stored example sound whose notes stand on the page already.

        They go where a link asks for something, and where other weights are in use; a faster click
        has put its own in their place. (scores, nearest, then player and piece of every source)
        """
        sources = self.service.sources.values()
        skipped = [gr.skip()] * (2 + 2 * len(sources))
        asked = request and any(name in PUBLIC for name in request.query_params)
        unseen = request and request.query_params.get(MODE) == BLIND
        pieces = {} if asked else self.example.pieces
        if unseen or session.generation.settings is not None:
            yield skipped
            return
        if not pieces:
            empty = [part for s in sources for part in (empty_player(s, hint=s.hint), None)]
            yield [*skipped[:2], *empty]
            return
        generation = self.example.begin(session)
        seen = [part for piece in pieces.values() for part in (piece_value(piece, True), gr.skip())]
        yield [*self.cards.begun(generation)[:2], *seen]
        for place, sounding in self._sounding(generation):
            yield [*skipped[: 2 + 2 * place], *sounding, *skipped[4 + 2 * place :]]
        for said in self._told(generation):
            yield [*said, *skipped[2:]]
        yield skipped  # Gradio shows the last item twice, and a click may have come since

    def _sounding(self, generation: Generation) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """Place and (player, piece) of each source of the stored example."""
        for place, name in enumerate(self.service.sources):
            *_, done = self.service.fill(name, generation.settings)
            if generation.over:
                return
            if generation.own is None or name != "corpus":
                generation.pieces[name] = done.piece
                yield place, self.shown(name, done)

    def _told(self, generation: Generation) -> Iterator[tuple[Any, Any]]:
        """(scores, nearest) of the stored example, each found out once for all visitors."""
        shared = self.example.shared
        if set(generation.pieces) == set(self.service.sources) and generation.own is None:
            shared.pieces = shared.pieces or dict(generation.pieces)
        known = [self.cards.replaced(shared)] if shared.scores else []
        scores = ((said, gr.skip()) for said in self.cards.scores(shared))
        nearest = ((gr.skip(), said) for said in self.cards.nearest(shared))
        for said in itertools.chain(known, scores, nearest):
            if generation.over or generation.own:
                return
            self.example.tell(generation)
            yield said

    def begin(
        self, session: Session, composers: list[str] | None, mix: dict[str, Any], *others: Any
    ) -> Iterator[list[Any]]:
        """Read the controls and begin a generation.

        (share link, status, scores, nearest, heard player, its column, redraw, takes).

        The values are raw.
        """
        skipped = [gr.skip()] * _BEGUN
        if not self.service.pipeline.ready:
            said = status("Loading the model, a few seconds…", loading=True)
            yield [gr.skip(), said, *skipped[2:]]
        try:
            # The mixer may not have heard yet of the composers that were chosen last.
            weights = dict(zip(mix["composers"], mix["weights"], strict=True))
            settings = self.service.read(composers, weights, *others)
            settings = self.service.owned(settings, session.own)
        except (ValueError, OSError) as error:
            words = fault_words(error)
            yield [gr.skip(), status(words, error=True), *skipped[2:]]
            # No toast: it would say the same again, and lie over the controls.
            raise gr.Error(words, visible=False, print_exception=False) from error
        generation = session.begin(settings)
        said = status("Drawing…", step=True)
        cards = self.cards.begun(generation)
        bars, takes = redraw_value(session), self.takes.begun(session)
        yield [self._shared(settings), said, *cards, bars, takes]

    def prism(self, session: Session) -> Iterator[tuple[Any, Any, Any]]:
        """Draw a roll and show it on the way; (player, piece, status)."""
        try:
            for progress in self.service.fill_for(session, "prism"):
                step = not (progress.done or progress.stopped)
                said = status(progress.text, step=step) if progress.text else gr.skip()
                yield *self.shown("prism", progress), said
        except (ValueError, OSError) as error:
            words = fault_words(error)
            yield gr.skip(), gr.skip(), status(words, error=True)
            raise gr.Error(words, visible=False, print_exception=False) from error

    def corpus(self, session: Session) -> Iterator[tuple[Any, Any]]:
        """Show a held-out piece by the same composers or the visitor's own; (player, piece)."""
        yield from self._beside("corpus", session)

    def amt(self, session: Session) -> Iterator[tuple[Any, Any]]:
        """Let the baseline write, and show it on the way; (player, piece)."""
        yield from self._beside("amt", session)

    def compared(self, fill: Callable[..., Iterator[tuple]], outputs: int) -> Callable:
        """A handler that runs `fill` and then compares the pieces that are there.

        One event does both, so that a click sends few. Of so many outputs, the last are those of
        `Cards.compare`; those that `fill` says nothing of stay as they are.
        """

        @functools.wraps(fill)
        def handler(session: Session, *given: Any) -> Iterator[tuple]:
            generation = session.generation
            for update in fill(session, *given):
                yield *update, *[gr.skip()] * (outputs - len(update))
            if generation.over:
                return
            for said in self.cards.compare(session):
                yield *[gr.skip()] * (outputs - len(said)), *said

        return handler

    def replay(self, session: Session, instrument: str) -> Iterator[list[Any]]:
        """Play the shown pieces on another instrument; (share link, player and piece of each)."""
        generation, sources = session.generation, self.service.sources
        skipped = [gr.skip()] * (1 + 2 * len(sources))
        if generation.settings is None:
            yield skipped
            return
        settings = dataclasses.replace(generation.settings, instrument=instrument)
        generation.settings = settings
        yield [self._shared(settings), *skipped[1:]]
        for place, name in enumerate(sources):
            if (piece := generation.pieces.get(name)) is None:
                continue
            played = self.service.replayed(piece, settings)
            # A later choice, click or file has put its own there.
            if generation.over or generation.settings is not settings:
                return
            if generation.pieces.get(name) is piece:
                generation.pieces[name] = played
                shown = self.shown(name, Progress(played, done=True))
                yield [*skipped[: 1 + 2 * place], *shown, *skipped[3 + 2 * place :]]
        yield skipped  # Gradio shows the last item twice

    def stop(self, session: Session) -> dict[str, Any]:
        """No more pieces come; the status.

        The fills themselves look whether they are stopped: cut off by Gradio, they could neither
        end in words nor keep a piece that was only waiting for its sound. Prism's says the same
        again, after all its steps.
        """
        session.generation.stopped = True
        return status(STOPPED)

    def _beside(self, name: str, session: Session) -> Iterator[tuple[Any, Any]]:
        """Fill a source's player other than Prism's."""
        try:
            for progress in self.service.fill_for(session, name):
                yield self.shown(name, progress)
        except Exception as error:  # whatever it was, it concerns this player alone
            yield self._failed(name, error), None

    def _failed(self, name: str, error: Exception) -> dict[str, Any]:
        """The player of a source whose piece cannot be made."""
        log_fault(logger, name, error)
        source = self.service.sources[name]
        message = f"There is no music here: {fault_words(error)}"
        return empty_player(source, hint=source.hint, message=message)

    def shown(self, name: str, progress: Progress) -> tuple[Any, Any]:
        """(player, piece); the piece is kept only when it is done."""
        if progress.stopped:
            return self._cut_short(name, progress.piece), None
        if progress.piece is not None:
            value = piece_value(progress.piece, busy=not progress.done)
            return value, progress.piece if progress.done else gr.skip()
        if progress.text:
            source = self.service.sources[name]
            return empty_player(source, hint=progress.text, busy=True), gr.skip()
        return gr.skip(), gr.skip()

    def _cut_short(self, name: str, piece: ShownPiece | None) -> dict[str, Any]:
        """The player of a piece that was stopped on the way."""
        source = self.service.sources[name]
        value = piece_value(piece) if piece else empty_player(source, hint=source.hint)
        return value | {"message": _STOPPED}

    # ---- the visitor's own file; (panel, corpus player, its piece, scores, nearest) ----

    def chosen(self, session: Session, event: gr.EventData) -> Iterator[tuple]:
        """Take a file; one that cannot be used leaves everything as it was."""
        try:
            own = read_upload(event.label, event.content)
        except UploadError as error:
            yield _complaint(session, error)
            return
        # Not before: one that cannot be used takes no other's place.
        if not session.files.take(event.when):
            yield _NO_NEWS
            return
        said = f"{own.piece.title}: {len(own.piece.notes):,} notes in {len(own.bars):,} bars."
        yield from self._replaced(session, own, said)

    def moved(self, session: Session, event: gr.EventData) -> Iterator[tuple]:
        """Start at another bar, of the file that was there when it was chosen."""
        older = event.when < session.files.when or not session.bars.take(event.when)
        if session.own is None or older:
            yield _NO_NEWS
            return
        try:
            own = session.own.at(event.bar)
        except UploadError as error:
            yield _complaint(session, error)
            return
        yield from self._replaced(session, own, f"From bar {own.bar} on.")

    def removed(self, session: Session, event: gr.EventData) -> Iterator[tuple]:
        """Forget the file and show the corpus's piece of the latest generation again."""
        if not session.files.take(event.when):
            yield _NO_NEWS
            return
        generation = session.compare_with(None)
        panel = upload_value(said="Your file is forgotten. The corpus's piece is back.")
        source = self.service.sources["corpus"]
        cards = self.cards.replaced(generation)
        yield panel, empty_player(source, hint=source.hint), None, *cards
        if generation.settings:
            for shown in self._beside("corpus", session):
                yield gr.skip(), *shown, gr.skip(), gr.skip()

    def current(self, session: Session) -> dict[str, Any]:
        """The panel's value as things stand."""
        return upload_value(session.own)

    def _replaced(self, session: Session, own: OwnPiece, said: str) -> Iterator[tuple]:
        generation = session.compare_with(own)
        # Said once: by the time the sound is there, another file may have been complained about.
        panel, cards = upload_value(own, said=said), self.cards.replaced(generation)
        try:
            for progress in self.service.own_piece(own, generation.settings):
                if generation.over or generation.own is not own:
                    yield panel, gr.skip(), gr.skip(), *cards
                    return
                if progress.done:
                    generation.pieces["corpus"] = progress.piece
                yield panel, *self.shown("corpus", progress), *cards
                panel, cards = gr.skip(), [gr.skip()] * 2
        except Exception as error:  # whatever it was, it concerns this player alone
            yield panel, self._failed("corpus", error), None, *cards


def _complaint(session: Session, error: UploadError) -> tuple:
    return upload_value(session.own, message=str(error)), *[gr.skip()] * 4


def empty_player(source: Source, **texts: Any) -> dict[str, Any]:
    """The value of a source's player with nothing in it; `texts` as for `player_value`."""
    return player_value(source.title, kind=source.kind, **texts)


def _greeting(link: Link, example: bool) -> dict[str, Any]:
    if link.faults:
        said = " ".join(link.faults)
        return status(f"{said} All else stands as the link asks: press Generate.", error=True)
    if link.complete:
        older = "" if link.bundle else " Its notes were others if it was made with earlier weights."
        return status(f"The link was read: its music is coming.{older}")
    if link.given:
        return status("The link was read. Choose composers and press Generate.")
    # No longer: on a phone it would lie over the last roll.
    lanes = "A diffusion model drew A, a person wrote B, another model C. Press play."
    said = lanes if example else "Press play, or Generate for a new piece."
    return status(f"Ready. {said}") | {"kind": NEW_NEXT}
