"""Captions of pieces, and stems of their files' names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prism.music.roll import PianoRoll, Piece

if TYPE_CHECKING:
    from prism.music.windows import Window

_LONGEST_STEM = 80


def signature(time_signature: tuple[int, int]) -> str:
    """For example ``"3/4"``."""
    beats, unit = time_signature
    return f"{beats}/{unit}"


def metre(roll: PianoRoll) -> str:
    """Time signature and tempo, for example ``"3/4 at 120"``."""
    return f"{signature(roll.time_signature)} at {roll.tempo:g}"


def mixture(composers: Sequence[str], weights: Sequence[float]) -> str:
    """The composers with their shares.

    Examples
    --------
    >>> mixture(["Bach", "Mozart"], [0.7, 0.3]), mixture(["Bach"], [1.0])
    ('Bach 70 % + Mozart 30 %', 'Bach')
    """
    if len(composers) == 1:
        return composers[0]
    shares = zip(composers, weights, strict=True)
    return " + ".join(f"{name} {round(100 * weight)} %" for name, weight in shares)


def asked_words(attributes: Mapping[str, str]) -> str:
    """What was asked for besides the composers; empty for nothing.

    Examples
    --------
    >>> asked_words({"density": "sparse", "key": "A minor"})
    'asked for density sparse, key A minor'
    """
    asked = ", ".join(f"{name} {value}" for name, value in attributes.items())
    return f"asked for {asked}" if asked else ""


def drawn_words(
    mix: str,
    guidance_scale: float,
    seed: int,
    num_inference_steps: int,
    roll: PianoRoll,
    attributes: Mapping[str, str],
) -> str:
    """What a roll of Prism's was drawn from."""
    words = (
        f"{mix} · guidance {guidance_scale:g} · seed {seed} "
        f"· {num_inference_steps} steps · {metre(roll)}"
    )
    return " · ".join(filter(None, [words, asked_words(attributes)]))


def window_words(window: Window, roll: PianoRoll) -> str:
    """Where in which piece a window of the corpus lies; `roll` is it at the tempo it is played."""
    return f"{window.piece.label} · from beat {window.start_beat:g} · {metre(roll)}"


def corpus_words(source: str) -> str:
    """Whose corpus a piece is from: MIDI files name their own root first, scores lie in music21's.

    Examples
    --------
    >>> corpus_words("bach/bwv1.6.mxl")
    "music21's corpus (bach/bwv1.6.mxl)"
    >>> corpus_words("clean_midi/ABBA/Waterloo.mid")
    'the corpus clean_midi (ABBA/Waterloo.mid)'
    """
    root, _, file = source.partition("/")
    if file and file.lower().rstrip('"').endswith((".mid", ".midi")):
        return f"the corpus {root} ({file})"
    return f"music21's corpus ({source})"


def held_out_words(piece: Piece) -> str:
    """Where a piece comes from that was kept from training, and on which terms."""
    return f"From {corpus_words(piece.source)}, not used in training. Terms: {piece.terms}."


def file_stem(*words: str, end: str = "") -> str:
    """Join words to a file's name without its suffix.

    What is too long is cut before `end`, so that names that differ there stay different.

    Examples
    --------
    >>> file_stem("prism", "Irish reels", "O'Carolan", end="seed-7")
    'prism-Irish-reels-O-Carolan-seed-7'
    """
    stem, end = (re.sub(r"\W+", "-", part).strip("-") for part in ("-".join(words), end))
    if not end:
        return stem[:_LONGEST_STEM] or "music"
    return f"{stem[: _LONGEST_STEM - len(end) - 1].rstrip('-')}-{end}"
