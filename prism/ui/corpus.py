"""The Corpus tab: every piece to find and hear, where it comes from, and the corpus in figures."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism.models.setting_types import Number
from prism.music.metadata import (
    corpus_words,
    file_stem,
    mean_words,
    metre_in,
    real_lines,
    signature,
)
from prism.music.roll import FRAMES, FRAMES_PER_BEAT, TICKS_PER_FRAME, Piece
from prism.service.bundle import BundleError
from prism.service.log import fault_words
from prism.service.piece import ShownPiece
from prism.service.session import Newest
from prism.ui.charts import Block, Charts, bars, charts, columns, facts, table, text
from prism.ui.element import EACH, QUIET, Element
from prism.ui.player import PianoRollPlayer, StatusLine, piece_value, player_value, status

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.service.service import Service

# A chart with more rows than this stands upright, with a name at every octave.
_MOST_LYING_BARS = 40

_INTRODUCTION = """## The music that Prism learned from
Find a piece, choose it, and hear it from any bar. Below the list: the corpus in figures."""
_EMPTY = player_value("No piece chosen", kind="Real", hint="Choose a piece: it appears here.")

_SPLITS = {
    "train": "training music",
    "validation": "held out (validation)",
    "test": "held out (test)",
}
_USES = {
    "train": "The networks learned from it.",
    "validation": "No network learned from it; training was watched on it.",
    "test": "No network learned from it.",
}


# Where the player stands below the list, a choice would otherwise change nothing in sight.
_SHOW_PLAYER = "() => document.querySelector('.prism-chosen').scrollIntoView({ block: 'nearest' })"


class PieceList(Element):
    """The pieces to choose from; its value is what `list_value` returns.

    Its ``choose`` event carries the ``piece``'s place in the corpus.
    """

    asset = "page/corpus"


def list_value(corpus: Corpus) -> dict[str, Any]:
    """A list's value.

    The rows travel as one text: the page's framework would watch every number of 4,936 of them. A
    sharded corpus is gone through once, one piece in memory at a time.
    """
    terms: dict[str, int] = {}
    labels, splits = list(corpus.labels), list(_SPLITS)
    rows = [
        [
            piece.title,
            labels.index(piece.label),
            splits.index(split),
            len(piece.bars),
            round(piece.ticks / TICKS_PER_FRAME / FRAMES_PER_BEAT),
            signature(piece.time_signature),
            float(f"{piece.tempo:g}"),
            piece.identifier,
            terms.setdefault(piece.terms, len(terms)),
        ]
        for piece, split in zip(corpus.pieces, corpus.splits, strict=True)
    ]
    return {
        "labels": labels,
        "splits": list(_SPLITS.values()),
        "terms": list(terms),
        "pieces": json.dumps(rows, ensure_ascii=False, separators=(",", ":")),
    }


def bar_range(piece: Piece) -> tuple[int, int]:
    """First and last bar one can start at; 0 is the bar of a pick-up."""
    return (0 if piece.bars[0] > 0 else 1), len(piece.bars)


def bar_tick(piece: Piece, bar: int) -> int:
    """Where a bar begins; below 0 for a pick-up, whose bar is silent at first."""
    if bar:
        return int(piece.bars[bar - 1])
    length = int(piece.bars[1] - piece.bars[0]) if len(piece.bars) > 1 else int(piece.bars[0])
    return int(piece.bars[0]) - length


def shown_piece(piece: Piece, split: str, bar: int, withheld: str = "") -> ShownPiece:
    """Up to 64 beats from a bar on, ready to be played; still without files."""
    start = bar_tick(piece, bar)
    left = math.ceil((piece.ticks - start) / TICKS_PER_FRAME / FRAMES_PER_BEAT) * FRAMES_PER_BEAT
    roll = piece.window(start, min(FRAMES, max(left, FRAMES_PER_BEAT)))
    where = f"from bar {bar} of {len(piece.bars)}" if bar else "from the pick-up"
    return ShownPiece(
        kind=f"Real · {_SPLITS[split]}",
        title=piece.title,
        detail=f"{piece.label} · {where} · {metre_in(piece, start, roll)}",
        caption=f"From {corpus_words(piece.source)}. {_USES[split]} Terms: {piece.terms}.",
        name=file_stem(piece.label, piece.title, end=f"bar-{bar}"),
        roll=roll,
        lines=real_lines(piece),
        withheld=withheld,
    )


def provenance(piece: Piece, split: str) -> Block:
    """What is known of a piece."""
    beats = piece.ticks / TICKS_PER_FRAME / FRAMES_PER_BEAT
    bounds = mean_words(piece, int(piece.notes[0, 0]), piece.ticks)
    tempo = f"{piece.tempo:g} quarter notes a minute{bounds}"
    minutes, seconds = divmod(round(beats * 60 / piece.tempo), 60)
    return facts(
        piece.title,
        (
            ("Composer or collection", piece.label),
            ("File and tune in it", piece.identifier),
            *([("Title in the file", piece.source_title)] if piece.source_title else []),
            ("Terms", piece.terms),
            ("Split", f"{_SPLITS[split]}. {_USES[split]}"),
            ("Length", f"{len(piece.bars):,} bars, {beats:,.4g} beats, {minutes}:{seconds:02}"),
            ("Notes", f"{len(piece.notes):,}"),
            ("Metre and tempo", f"{signature(piece.time_signature)}, {tempo}"),
        ),
    )


class Library:
    """What the tab shows and does.

    Parameters
    ----------
    service : Service
        Holds the corpus, and the study of it in its bundle.
    """

    def __init__(self, service: Service) -> None:
        self._corpus = service.corpus
        self._bundle = service.bundle
        self._withheld = service.withheld

    @functools.cached_property
    def _list(self) -> dict[str, Any]:
        return list_value(self._corpus.get())

    def open(self, opened: bool) -> tuple[Any, Any, Any, bool]:
        """Fill the tab when it is first looked at; (list, study, status, opened)."""
        if opened:
            return gr.skip(), gr.skip(), gr.skip(), True
        try:
            return self._list, self.study(), status(""), True
        except (ValueError, OSError) as error:
            return (
                gr.skip(),
                gr.skip(),
                status(f"There is no corpus: {fault_words(error)}", error=True),
                False,
            )

    def study(self) -> dict[str, Any]:
        """The stored study as charts, or what is missing."""
        try:
            study = self._bundle.document("study")
        except BundleError as error:
            return charts(text("The corpus in figures", fault_words(error)))
        return charts(
            text("The corpus in figures", " ".join(study["notes"])),
            facts("All in all", study["facts"]),
            *(_chart(chart) for chart in study["charts"] if chart["rows"]),
            table("Composers and artists, one by one", study["head"], study["labels"]),
        )

    def choose(self, chosen: Newest, event: gr.EventData) -> Iterator[tuple[Any, ...]]:
        """Show a piece from its beginning, then its sound.

        (player, piece, status, place, bar, provenance, their column)
        """
        yield from chosen.updates(event.when, self._choose(event.piece), (gr.skip(),) * 7)

    def _choose(self, place: int) -> Iterator[tuple[Any, ...]]:
        piece, split = self._at(place)
        first, last = bar_range(piece)
        info = f"{first} to {last}" + ("; 0 is the pick-up" if first == 0 else "")
        bar = gr.update(minimum=first, maximum=last, value=first, info=info)
        about = charts(provenance(piece, split)), gr.update(visible=True)
        for player, shown, said in self._played(place, first):
            yield player, shown, said, place, bar, *about

    def move(
        self, chosen: Newest, place: int | None, bar: float | None
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Show the chosen piece from another bar; (player, piece, status)."""
        # It ends when another piece is chosen; an older bar has ended before, as Gradio sees to.
        yield from chosen.updates(chosen.when, self._move(place, bar), (gr.skip(),) * 3)

    def _move(self, place: int | None, bar: float | None) -> Iterator[tuple[Any, Any, Any]]:
        if place is None:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        first, last = bar_range(self._at(place)[0])
        bars = Number(name="Bar", default=first, low=first, high=last, whole=True)
        try:
            checked = bars.check(bar)
        except ValueError as error:
            yield gr.skip(), gr.skip(), status(f"{error}.", error=True)
            return
        yield from self._played(place, checked)

    def _played(self, place: int, bar: int) -> Iterator[tuple[Any, Any, Any]]:
        """The notes at once, the sound when it is there."""
        shown = shown_piece(*self._at(place), bar, self._withheld)
        yield piece_value(shown, busy=True), gr.skip(), status("")
        shown.render()
        yield piece_value(shown), shown, status("" if shown.withheld else "Ready. Press play.")

    def _at(self, place: int) -> tuple[Piece, str]:
        corpus = self._corpus.get()
        if not isinstance(place, int) or not 0 <= place < len(corpus.pieces):
            raise gr.Error(
                f"Piece: expected a number from 0 to {len(corpus.pieces) - 1}, got {place}.",
                print_exception=False,
            )
        return corpus.pieces[place], corpus.splits[place]


def _chart(chart: dict[str, Any]) -> Block:
    title, about, unit, rows = (chart[name] for name in ("title", "about", "unit", "rows"))
    if len(rows) <= _MOST_LYING_BARS:
        return bars(title, rows, unit, about)
    octaves = [name for name, _ in rows if name.startswith("C") and "#" not in name]
    return columns(title, rows, unit, octaves, about)


def corpus_tab(library: Library) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    with gr.Tab("Corpus") as tab:
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        with gr.Row(elem_classes="prism-below"):
            with gr.Column(min_width=320):
                pieces = PieceList(None)
            with gr.Column(min_width=320, elem_classes="prism-chosen"):
                player = PianoRollPlayer(_EMPTY, elem_classes="prism-from-corpus")
                line = StatusLine(status(""))
                with gr.Column(visible=False) as below:
                    bar = gr.Slider(1, 2, value=1, step=1, label="Start at bar")
                    about = Charts(None)
        with gr.Column(elem_classes="prism-below"):
            figures = Charts(None)
        opened, place, chosen = gr.State(False), gr.State(None), gr.State(Newest())
    some = {"concurrency_limit": 2, **QUIET}
    tab.select(library.open, opened, [pieces, figures, line, opened], **QUIET)
    pieces.choose(None, None, None, js=_SHOW_PLAYER, api_visibility="private")
    shown = [player, player.piece, line]
    pieces.choose(library.choose, chosen, [*shown, place, bar, about, below], **EACH, **some)
    moving = {"preprocess": False, "trigger_mode": "always_last", **some}
    bar.input(library.move, [chosen, place, bar], shown, **moving)
    player.connect_png()
