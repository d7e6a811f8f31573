"""The Originality card: the training music nearest to each piece, and how to hear it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prism.music.metadata import real_lines
from prism.music.naming import corpus_words
from prism.music.roll import PianoRoll
from prism.service.piece import ShownPiece
from prism.ui.element import Element

if TYPE_CHECKING:
    from prism.similarity.neighbours import Neighbour

# In the order of the rows; the real piece is the yardstick for the generated ones.
_NAMES = {
    "prism": "Prism",
    "amt": "AMT",
    "corpus": "Corpus piece (real and held out, to compare with)",
}


class NearestCard(Element):
    """Shows the nearest training music; its value is what `nearest_value` returns.

    Its ``hear`` event carries the ``side`` whose neighbour is wanted.
    """

    asset = "page/nearest"


def nearest_value(
    neighbours: Mapping[str, Neighbour], hint: str = "", message: str = ""
) -> dict[str, Any]:
    """A card's value.

    Parameters
    ----------
    neighbours : dict
        Keyed by side.
    hint, message : str
        What is to come; what went wrong.
    """
    rows = [_row(side, neighbours[side]) for side in _NAMES if side in neighbours]
    return {"rows": rows, "hint": hint, "message": message}


def _row(side: str, neighbour: Neighbour) -> dict[str, Any]:
    return {
        "side": side,
        "name": _NAMES[side],
        "overlap": f"{round(100 * neighbour.overlap)} %",
        "copy": neighbour.is_copy,
        "where": where(neighbour),
        "found": neighbour.overlap > 0,
    }


def where(neighbour: Neighbour) -> str:
    """Which music it is: ``"Bach: bwv261, from beat 34, transposed down 2 semitones"``."""
    piece = neighbour.piece
    if neighbour.overlap <= 0:
        return "no training music has a note in common with it"
    return ", ".join(
        [f"{piece.label}: {piece.title}", f"from beat {neighbour.start_beat}", _moved(neighbour)]
    )


def _moved(neighbour: Neighbour) -> str:
    count = abs(neighbour.semitones)
    if not count:
        return "not transposed"
    way = "up" if neighbour.semitones > 0 else "down"
    return f"transposed {way} {count} semitone{'s' if count > 1 else ''}"


def transposed(roll: PianoRoll, semitones: int, like: PianoRoll) -> PianoRoll:
    """The notes moved up, without those that leave the keyboard; metre and tempo of `like`."""
    pitch, start, end, velocity = roll.arrays()
    return PianoRoll.from_arrays(
        pitch + semitones,
        start,
        end,
        velocity,
        roll.frames,
        tempo=like.tempo,
        time_signature=like.time_signature,
    )


def neighbour_piece(side: str, neighbour: Neighbour, sample: PianoRoll) -> ShownPiece:
    """The training music as it meets the sample, ready to be played; still without files."""
    piece = neighbour.piece
    return ShownPiece(
        kind="Real · training music",
        title=piece.title,
        detail=f"{where(neighbour)} · {round(100 * neighbour.overlap)} % overlap with "
        f"{_NAMES[side].split(' (')[0]}",
        caption=f"From {corpus_words(piece.source)}, used in training; moved to the sample's "
        f"keys and tempo. Terms: {piece.terms}.",
        name=f"nearest-to-{side}-{piece.label}-{piece.title}",
        roll=transposed(neighbour.roll, neighbour.semitones, sample),
        lines=real_lines(piece),
    )
