"""What is said of a piece: in captions, in its file's name, and in the MIDI file itself.

A MIDI file carries these lines as text events: enough to generate it again, and a statement that a
model and no person wrote it.

Conventions
-----------
text
    Is composed Unicode (NFC): a letter and its accent are one character where there is one.
bytes of no stated encoding
    Names in old archives and MIDI files: UTF-8 if they can be, else Shift-JIS if that reads as
    Japanese, else the Western encoding that their kind of file is known for.
file names
    Letters of any script with their accents and vowel signs, digits and hyphens; short enough in
    characters for people and in bytes for file systems.
"""

from __future__ import annotations

import contextlib
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from prism.music.performance import shaped, shaping_words
from prism.music.roll import TICKS_PER_FRAME, PianoRoll, Piece
from prism.music.windows import Window

# Most file systems allow 255 bytes, some 143 characters, Gradio 200 bytes; endings come on top.
_LONGEST_STEM, _LONGEST_STEM_BYTES = 80, 160
# They shape letters of Indic and Arabic scripts; other format characters change the direction.
_JOINERS = "\u200c\u200d"


def signature(time_signature: tuple[int, int]) -> str:
    """For example ``"3/4"``."""
    beats, unit = time_signature
    return f"{beats}/{unit}"


def metre(roll: PianoRoll) -> str:
    """Time signature and tempo, for example ``"3/4 at 120"``."""
    return f"{signature(roll.time_signature)} at {roll.tempo:g}"


def metre_in(piece: Piece, start_tick: int, roll: PianoRoll) -> str:
    """As `metre`, of a roll cut out of a piece, with the bounds of its tempo where that changes.

    For example ``"3/4 at 96.5, the mean of 60 to 140"``.
    """
    part = start_tick, start_tick + roll.frames * TICKS_PER_FRAME
    is_own = roll.tempo == piece.timing.tempo_in(*part)
    return metre(roll) + (mean_words(piece, *part) if is_own else "")


def mean_words(piece: Piece, start_tick: int, end_tick: int) -> str:
    """Between which bounds a tempo is the mean, for example ``", the mean of 60 to 140"``."""
    tempi = np.rint(piece.timing.tempi_in(start_tick, end_tick))
    low, high = tempi.min(initial=np.inf), tempi.max(initial=0)
    return f", the mean of {low:g} to {high:g}" if low < high else ""


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


def window_words(window: Window, roll: PianoRoll) -> str:
    """Where in which piece a window lies; `roll` is it at the tempo it is played."""
    where = f"{window.piece.label} · from beat {window.start_beat:g}"
    return f"{where} · {metre_in(window.piece, window.start_tick, roll)}"


def corpus_words(source: str) -> str:
    """Whose corpus a piece is from: MIDI files name their own root first, scores lie in music21's.

    Examples
    --------
    >>> corpus_words("bach/bwv1.6.mxl")
    "music21's corpus (bach/bwv1.6.mxl)"
    >>> corpus_words("clean_midi/ABBA/Waterloo.mid")
    'the corpus clean_midi (ABBA/Waterloo.mid)'
    >>> corpus_words("OpenScore Lieder/Wolf,_Hugo/lc1.mxl")
    'the corpus OpenScore Lieder (Wolf,_Hugo/lc1.mxl)'
    """
    root, _, file = source.partition("/")
    is_midi = file.lower().rstrip('"').endswith((".mid", ".midi"))
    if file and (is_midi or root.startswith("OpenScore")):
        return f"the corpus {root} ({file})"
    return f"music21's corpus ({source})"


def held_out_words(piece: Piece) -> str:
    """Where a piece comes from that was kept from training, and on which terms."""
    return f"From {corpus_words(piece.source)}, not used in training. Terms: {piece.terms}."


def one_line(text: str) -> str:
    """Composed Unicode on one line, without control and direction characters."""
    kept = (c if c in _JOINERS or unicodedata.category(c)[0] != "C" else " " for c in text)
    composed = unicodedata.normalize("NFC", "".join(kept))
    return " ".join(composed.split()).strip(f"{_JOINERS} ")


def encoding_of(raw: bytes, otherwise: str) -> str:
    """What bytes of no stated encoding are to be decoded by: ``utf-8``, ``cp932`` or `otherwise`.

    Read as Shift-JIS, Japanese has most of its characters side by side or away from Latin letters.
    Western text has an odd one here and there, between two letters or instead of one.

    Examples
    --------
    >>> encoding_of("ピアノ".encode("cp932"), "cp437"), encoding_of(b"M\x81ller", "cp437")
    ('cp932', 'cp437')
    """
    found = {}
    for encoding in ("utf-8", "cp932", otherwise):
        with contextlib.suppress(UnicodeDecodeError):
            found[encoding] = raw.decode(encoding)
    if "utf-8" in found:
        return "utf-8"
    japanese = sum(map(_japanese_share, _FOREIGN.finditer(found.get("cp932", ""))))
    return "cp932" if japanese > 0 or ("cp932" in found and otherwise not in found) else otherwise


# With the Latin letter before and after them, if there is one.
_FOREIGN = re.compile(r"([a-z]?)([^\x00-\x7f]+)(?=([a-z]?))", re.IGNORECASE)


def _japanese_share(found: re.Match[str]) -> int:
    """How many characters speak for Japanese, or, below 0, against it."""
    before, run, after = found.groups()
    if len(run) == 1:
        raw = run.encode("cp932")
        # Half a letter's width, or a second byte that is a small letter: "Él", not "森".
        western = before or after or len(raw) == 1 or raw[1:].islower()
    else:
        western = len(run) == 2 and before and after
    return -len(run) if western else len(run)


def file_stem(*words: str, end: str = "") -> str:
    """Join words to a file's name without its suffix; see Conventions.

    What is too long is cut before `end`, so that names that differ there stay different.

    Examples
    --------
    >>> file_stem("prism", "Irish reels", "O'Carolan", end="seed-7")
    'prism-Irish-reels-O-Carolan-seed-7'
    """
    stem, end = _hyphened("-".join(words)), _hyphened(end)
    if not end:
        return _cut(stem) or "music"
    return f"{_cut(stem, spare=len(end.encode()) + 1)}-{end}"


def _hyphened(text: str) -> str:
    """Whatever is no letter, digit, or mark of a letter becomes a hyphen."""
    kept = ""
    for character in unicodedata.normalize("NFC", text):
        is_mark = unicodedata.category(character)[0] == "M" and not kept.endswith("-")
        kept += character if is_mark or re.match(r"\w", character) else "-"
    return re.sub("-+", "-", kept).strip("-")


def _cut(stem: str, spare: int = 0) -> str:
    """As much of a stem as may be, with some bytes to spare."""
    cut = stem[: _LONGEST_STEM - spare].encode()[: _LONGEST_STEM_BYTES - spare]
    return cut.decode(errors="ignore").rstrip("-")


def drawn_lines(
    composers: Sequence[str],
    weights: Sequence[float],
    settings: Mapping[str, object],
    checkpoint: str,
) -> tuple[str, ...]:
    """Of a roll that Prism drew; of the other `settings` None and no attributes are left out.

    Examples
    --------
    >>> drawn_lines(["Bach", "Mozart"], [0.7, 0.3], {"seed": 7}, "")[1:]
    ('composers: Bach=0.7, Mozart=0.3', 'seed: 7')
    """
    mix = ", ".join(f"{name}={weight:g}" for name, weight in zip(composers, weights, strict=True))
    told = {name: value for name, value in settings.items() if value is not None and value != {}}
    return (
        "Generated by Prism. No person composed it.",
        f"composers: {mix}",
        *(f"{name}: {_written(value)}" for name, value in told.items()),
        *_checkpoint_line(checkpoint),
    )


def written_lines(model: str, mix: str, seed: int, checkpoint: str) -> tuple[str, ...]:
    """Of a roll that the baseline wrote, told a mix of composers or ``""``; `seed` is its own."""
    return (
        f"Generated by {model}, the baseline that Prism is compared with. No person composed it.",
        *([f"told: {mix}"] if mix else []),
        f"seed: {seed}",
        *_checkpoint_line(checkpoint),
    )


def real_lines(piece: Piece) -> tuple[str, ...]:
    """Of a piece of a corpus."""
    return (
        f"Real music, not generated: {piece.title} ({piece.label})",
        f"source: {piece.source}",
        f"terms: {piece.terms}",
    )


def save_midi(
    roll: PianoRoll, path: str | os.PathLike, lines: Iterable[str], program: int = 0
) -> None:
    """Write a roll as it is played, with lines; see `prism.music.performance`."""
    # It imports two libraries, which a command's --help does not need.
    from prism.music.midi import write_midi

    texts = [*lines, *filter(None, [shaping_words(roll)])]
    write_midi(shaped(roll), path, texts=texts, program=program)


def _written(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={wanted}" for name, wanted in value.items())
    if isinstance(value, tuple):
        return signature(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _checkpoint_line(checkpoint: str) -> tuple[str, ...]:
    return (f"checkpoint: sha256 {checkpoint}…",) if checkpoint else ()
