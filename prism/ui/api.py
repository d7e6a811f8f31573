"""The endpoints for programs: plain values in, plain values and files out; see docs/api.md.

Conventions
-----------
arguments
    ``weights`` has one number a composer, 0 to 100, equal by default; ``tempo`` is in quarter notes
    a minute, 0 for the music's own; ``metre``, ``key`` and the following are empty for any;
    all others are those of the page's controls.
piece
    A dictionary with ``kind``, ``title``, ``detail`` and ``caption`` (words), ``notes`` (a list of
    [pitch, start, duration, velocity]: MIDI pitch, beats, beats, 1 to 127), ``beats``, ``tempo``,
    ``time_signature`` ([beats, unit]), ``files`` (``midi``, ``wav`` and others) and ``message``
    (empty, or what is missing and why).
progress
    What takes a while sends what there is on the way, with ``done`` false, and ends with ``done``
    true. It can be cancelled between two of its answers.
mistakes
    One sentence in ``error``, which names the argument and says what was expected; never null.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gradio as gr

from prism.drawing.engraving import EngravingError
from prism.models.edits import YOURS
from prism.models.setting_types import Setting, Text, Word
from prism.models.settings import PUBLIC, SETTINGS
from prism.music.roll import FRAMES
from prism.service.describe import WORDS
from prism.service.log import fault_words
from prism.service.piece import ShownPiece
from prism.service.service import Service
from prism.service.sources import TITLES
from prism.service.takes import NOT_OF_TAKES, SORT, Take, ordered
from prism.service.upload import MAX_BYTES, read_upload
from prism.ui.evaluate import ALONE, RUNS, live_experiment
from prism.ui.player import file_data

Answer = dict[str, Any]


def _deciding(source: str) -> tuple[Setting, ...]:
    """The settings on which a source's piece or its sound depends."""
    return tuple(s for s in PUBLIC.values() if source in s.decides or not s.decides)


MIDI = Text(
    name="midi", help="a MIDI file in base64, of which bars are kept", longest=2 * MAX_BYTES
)
WHOSE = Word(
    name="source",
    default="prism",
    choices=TITLES,
    help="whose piece is written, corpus's a real one",
)
# What each takes, in order.
ENDPOINTS: dict[str, tuple[Setting, ...]] = {
    "composers": (),
    "generate": _deciding("prism"),
    "notation": (*_deciding("prism"), SETTINGS["amt_start"], WHOSE),
    "continued": (MIDI, *_deciding("prism")),
    "corpus": _deciding("corpus"),
    "takes": (*(s for s in _deciding("prism") if s.name not in NOT_OF_TAKES), SORT),
    **dict.fromkeys(("amt", "compare", "score"), tuple(PUBLIC.values())),
    "describe": (WORDS,),
    "experiment": (RUNS, SETTINGS["seed"]),
}


class Api:
    """The endpoints over one `Service`."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def publish(self) -> None:
        """Add the endpoints to the page; call inside a ``gr.Blocks``."""
        gr.api(self.composers, api_name="composers", queue=False)
        for name, settings in ENDPOINTS.items():
            if settings:
                alone = ALONE if name == "experiment" else {}
                gr.api(taking(getattr(self, name), settings), api_name=name, **alone)

    def composers(self) -> list[str]:
        """List the composers and kinds of tunes that the model has learned."""
        with _told_mistakes():
            return self.service.composers

    def generate(self, **settings: Any) -> Iterator[Answer]:
        """Draw 64 beats with Prism's model; a piece, clearer with every answer."""
        yield from self._piece("prism", settings)

    def notation(self, source: Any, **settings: Any) -> Iterator[Answer]:
        """Write a piece as music for two hands; files: musicxml and score (SVG), and a message."""
        with _told_mistakes():
            name, chosen = WHOSE.check(source), self.service.settings(**settings)
            for progress in self.service.fill(name, chosen):
                if not progress.done:
                    yield {"done": False}
            yield {"done": True} | _written(progress.piece)

    def takes(self, sort: Any, **settings: Any) -> Iterator[Answer]:
        """Draw four takes of one setting; takes: pieces without files, each with its figures."""
        with _told_mistakes():
            sort, chosen = SORT.check(sort), self.service.settings(**settings)
            for takes in self.service.draw_takes(chosen):
                drawn = takes
                yield {"done": False}
            found = ordered(self.service.measured(drawn), sort)
            yield {"done": True, "sort": SORT.choices[sort], "takes": [*map(self._take, found)]}

    def _take(self, take: Take) -> Answer:
        piece = self.service.sources["prism"].shown(take.settings, take.roll)
        return _told(piece, False) | {"take": take.number, "figures": dict(take.figures)}

    def continued(self, midi: Any, keep: Any, **settings: Any) -> Iterator[Answer]:
        """Draw on from bars of a MIDI file, by keep those of its first 32 beats; a piece."""
        with _told_mistakes():
            own = read_upload("your file", midi)
            starts = own.shown().roll.bar_starts
            half = max(1, int((starts[1:] <= FRAMES // 2).sum()))
            chosen = self.service.settings(keep=keep or f"{YOURS}:1-{half}", **settings)
            for progress in self.service.fill("prism", chosen, own=own):
                yield _told(progress.piece, progress.done)

    def corpus(self, **settings: Any) -> Iterator[Answer]:
        """Look up 64 beats of a held-out piece by one of the composers; a piece."""
        yield from self._piece("corpus", settings)

    def amt(self, **settings: Any) -> Iterator[Answer]:
        """Let the baseline write; a piece that grows. amt_start: opening, nothing or melody."""
        yield from self._piece("amt", settings)

    def compare(self, **settings: Any) -> Iterator[Answer]:
        """Give what a click on the page gives: prism, corpus, amt (pieces) and scores."""
        yield from self._compared(settings)

    def score(self, **settings: Any) -> Iterator[Answer]:
        """Compare Prism's and the baseline's piece with the held-out one.

        Under prism and amt: for each network its name, the cosine (1 for the same), and words for
        what such a cosine is like.
        """
        for answer in self._compared(settings):
            yield {"done": answer["done"]} | answer.get("scores", {})

    def describe(self, words: Any) -> Iterator[Answer]:
        """Read settings out of a line of words; what was understood, and what could not be used."""
        with _told_mistakes():
            yield {"done": True, **dataclasses.asdict(self.service.describe(words))}

    def experiment(self, runs: Any, seed: Any) -> Iterator[Answer]:
        """Run the Evaluate tab's small experiment; what is going on, and a table that grows."""
        with _told_mistakes():
            for said, share, table in live_experiment(self.service, runs, seed):
                yield {"done": share == 1, "status": said, "table": table}

    def _piece(self, name: str, values: dict[str, Any]) -> Iterator[Answer]:
        with _told_mistakes():
            for progress in self.service.fill(name, self.service.settings(**values)):
                yield _told(progress.piece, progress.done)

    def _compared(self, values: dict[str, Any]) -> Iterator[Answer]:
        with _told_mistakes():
            settings, pieces = self.service.settings(**values), {}
            for name in self.service.sources:
                for progress in self.service.fill(name, settings):
                    pieces[name] = progress.piece
                    yield {"done": False}
            scores = self.service.scores(pieces).items()
            yield {
                "done": True,
                **{name: _told(piece, True) for name, piece in pieces.items()},
                "scores": {name: [dataclasses.asdict(s) for s in found] for name, found in scores},
            }


@contextlib.contextmanager
def _told_mistakes() -> Iterator[None]:
    """Tell the program of a mistake or a missing part inside ``with``."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise gr.Error(fault_words(error), print_exception=False) from error


def taking(endpoint: Callable[..., Iterator[Answer]], settings: Iterable[Setting]) -> Callable:
    """An endpoint of keyword arguments as a function with one parameter a setting."""
    parameters = [_parameter(setting) for setting in settings]
    names = [parameter.name for parameter in parameters]

    @functools.wraps(endpoint)
    def taken(*values: Any) -> Iterator[Answer]:
        yield from endpoint(**dict(zip(names, values, strict=False)))

    taken.__signature__ = inspect.Signature(parameters, return_annotation=Iterator[Answer])
    taken.__annotations__ = {p.name: p.annotation for p in parameters}
    return taken


def _parameter(setting: Setting) -> inspect.Parameter:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    default, annotation = setting.public_default, setting.public_type
    if setting.needed:
        default = inspect.Parameter.empty
    elif setting is SETTINGS["composer_weights"]:
        default, annotation = None, annotation | None
    return inspect.Parameter(setting.public_name, kind, default=default, annotation=annotation)


def _written(piece: ShownPiece) -> Answer:
    """The files of a piece as written music, and what is missing and why."""
    message = piece.withheld
    try:
        piece.notate().engrave()
    except EngravingError as error:
        message = str(error)
    kinds = [kind for kind in ("musicxml", "score") if kind in piece.files]
    return {"files": {kind: file_data(piece.files[kind]) for kind in kinds}, "message": message}


def _told(piece: ShownPiece | None, done: bool) -> Answer:
    """A piece as the conventions above have it; without notes while there is none."""
    if piece is None:
        return {"done": done, "notes": []}
    roll = piece.seen
    return {
        "done": done,
        **{word: getattr(piece, word) for word in ("kind", "title", "detail", "caption")},
        "notes": [(n.pitch, n.start, n.duration, n.velocity) for n in roll.notes()],
        "beats": roll.beats,
        "tempo": roll.tempo,
        "time_signature": list(roll.time_signature),
        "files": {name: file_data(path) for name, path in piece.files.items()} if done else {},
        "message": piece.message,
    }
