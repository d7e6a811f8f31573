"""What a roll is played on: General MIDI programs, counted from 0.

The notes and all that is measured of them stay as they are.
"""

from __future__ import annotations

AS_WRITTEN = "written"
# Each with the words for it.
INSTRUMENTS = {
    "piano": "Piano",
    AS_WRITTEN: "As the music was",
    "harpsichord": "Harpsichord",
    "organ": "Organ",
    "strings": "Strings",
    "guitar": "Guitar",
    "music box": "Music box",
}
# Without the whistle (78), of which symusic and TimGM6mb make infinite samples.
_PROGRAMS = {
    "piano": 0,
    "harpsichord": 6,
    "music box": 10,
    "organ": 19,
    "guitar": 24,
    "strings": 48,
    "choir": 52,
    "fife": 72,
    "flute": 73,
    "recorder": 74,
    "pipes": 109,
    "fiddle": 110,
}
# The default corpus's labels; others have a piano.
_WRITTEN_FOR = {
    "Bach": "organ",
    "Monteverdi": "choir",
    "Palestrina": "choir",
    "Haydn": "strings",
    "Mozart": "strings",
    "Beethoven": "strings",
    "Trecento": "recorder",
    "American fiddle tunes": "fiddle",
    "American fife tunes": "fife",
    "Northumbrian tunes": "pipes",
    "Scottish airs": "flute",
    "Irish airs": "flute",
    "O'Carolan": "guitar",
    "Irish jigs": "fiddle",
    "Irish reels": "fiddle",
    "Irish hornpipes and marches": "fiddle",
}


def program_of(instrument: str, label: str) -> int:
    """The program of one of `INSTRUMENTS`, for music by a label.

    Examples
    --------
    >>> program_of("harpsichord", "Bach"), program_of("written", "Bach"), program_of("written", "?")
    (6, 19, 0)
    """
    if instrument == AS_WRITTEN:
        instrument = _WRITTEN_FOR.get(label, "piano")
    return _PROGRAMS[instrument]
