"""A roll as MusicXML 4.0, which notation programs open: two staves, ties, rests, beams.

Conventions
-----------
pieces
    A note is cut at bar lines, and at beats where no note value has its length, and tied.
rests
    Fill the first voice of each hand, and another voice in the bars in which it sounds. Shown are
    those of the first voice during which the hand does not sound throughout.
accidentals
    Written where the bar and the key signature do not say the same already; one staff shares them.
"""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from prism.music.attributes import key_index
from prism.music.hands import Chord, Voice, key_fifths, spelt, two_hands
from prism.music.metadata import one_line
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll

_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
# Frames → note value and dots.
_VALUES = {
    **{1: ("16th", 0), 2: ("eighth", 0), 3: ("eighth", 1), 4: ("quarter", 0), 6: ("quarter", 1)},
    **{8: ("half", 0), 12: ("half", 1), 16: ("whole", 0), 24: ("whole", 1)},
}
_FLAGS = {1: 2, 2: 1, 3: 1}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_SHARPS = "FCGDAEB"
_FORTE = 90  # the velocity that MusicXML calls 100 %


class Bar(NamedTuple):
    """Where a bar begins and ends, after how many frames beams break, and whether it is whole."""

    start: int
    end: int
    beat: int
    whole: bool


class Event(NamedTuple):
    """A chord's piece or a rest, from and to a frame, tied to what is before and after it or not.

    `signs` are the pitches that need an accidental, `beams` what its first, and perhaps its
    second, does there; `hidden` is a rest that only keeps the place.
    """

    start: int
    end: int
    notes: tuple[tuple[int, int], ...] = ()
    tied_from: bool = False
    tied_to: bool = False
    signs: frozenset[int] = frozenset()
    beams: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def length(self) -> int:
        """In frames."""
        return self.end - self.start


def save_musicxml(
    roll: PianoRoll, path: str | os.PathLike, title: str = "", lines: Sequence[str] = ()
) -> None:
    """Write `musicxml` of a roll."""
    pathlib.Path(path).write_text(musicxml(roll, title, lines), encoding="utf-8")


def musicxml(roll: PianoRoll, title: str = "", lines: Sequence[str] = ()) -> str:
    """The file's text; `lines` say where the music is from."""
    root = ET.Element("score-partwise", version="4.0")
    _put(_put(root, "work"), "work-title", one_line(title))
    origin = _put(root, "identification")
    _put(_put(origin, "encoding"), "software", "Prism")
    about = _put(origin, "miscellaneous") if lines else None
    for number, line in enumerate(lines, 1):
        _put(about, "miscellaneous-field", one_line(line), name=f"origin-{number}")
    part = _put(_put(root, "part-list"), "score-part", id="P1")
    _put(part, "part-name", "Piano")
    _write_part(_put(root, "part", id="P1"), roll)
    ET.indent(root)
    return _DOCTYPE + ET.tostring(root, encoding="unicode") + "\n"


def _write_part(part: ET.Element, roll: PianoRoll) -> None:
    key, hands = key_index(roll), two_hands(roll)
    first_voices = 1, 1 + max(1, len(hands[0]))
    for number, bar in enumerate(_bars(roll), 1):
        measure = _put(part, "measure", number=number)
        if not bar.whole:
            measure.set("implicit", "yes")
        if number == 1:
            _write_attributes(measure, roll, key)
        for staff, (voices, first) in enumerate(zip(hands, first_voices, strict=True), 1):
            for voice, events in _hand_in_bar(voices, bar, key):
                if voice or staff == 2:
                    _put(_put(measure, "backup"), "duration", bar.end - bar.start)
                for event in events:
                    _write_event(measure, event, bar, (first + voice, staff), key)


def _bars(roll: PianoRoll) -> Iterator[Bar]:
    beats, unit = roll.time_signature
    compound = unit == 8 and beats % 3 == 0
    beat = FRAMES_PER_BEAT * 3 // 2 if compound else FRAMES_PER_BEAT
    ends = [*roll.bar_starts.tolist(), roll.frames]
    for start, end in itertools.pairwise(ends):
        yield Bar(start, end, beat, end - start == roll.bar_frames)


# ---- what is written in a bar ----


def _hand_in_bar(
    voices: Sequence[Voice], bar: Bar, key: int | None
) -> Iterator[tuple[int, list[Event]]]:
    """The number, from 0, of each voice that is written, and what is written."""
    written = [_in_bar(voice, bar) for voice in voices or [[]]]
    signs = _accidentals(written, key)
    for row, events in enumerate(written):
        if row and not any(event.notes for event in events):
            continue
        sounding = {
            frame
            for other in written
            if other is not events
            for event in other
            if event.notes
            for frame in range(event.start, event.end)
        }
        beams = _beams(events, bar)
        yield (
            row,
            [
                event._replace(
                    signs=frozenset(p for p, _ in event.notes if (event.start, p) in signs),
                    beams=tuple(beams.get(event, ())),
                    hidden=not event.notes
                    and (row > 0 or sounding.issuperset(range(event.start, event.end))),
                )
                for event in events
            ],
        )


def _in_bar(voice: Voice, bar: Bar) -> list[Event]:
    """A voice's chords and rests, cut into note values."""
    events, at = [], bar.start
    for chord in voice:
        start, end = max(chord.start, bar.start), min(chord.end, bar.end)
        if start < end:
            events += [*_rests(at, start, bar), *_pieces(chord, start, end, bar)]
            at = end
    return [*events, *_rests(at, bar.end, bar)]


def _pieces(chord: Chord, start: int, end: int, bar: Bar) -> Iterator[Event]:
    for left, right in itertools.pairwise([start, *_cuts(start, end, bar), end]):
        yield Event(left, right, chord.notes, left > chord.start, right < chord.end)


def _cuts(start: int, end: int, bar: Bar) -> list[int]:
    """Where a sounding stretch within a bar is cut because no note value has its length."""
    if end - start in _VALUES:
        return []
    into_beat = (start - bar.start) % FRAMES_PER_BEAT
    whole = [v for v in _VALUES if v % FRAMES_PER_BEAT == 0 and v < end - start]
    cut = start + (FRAMES_PER_BEAT - into_beat if into_beat else max(whole))
    return [cut, *_cuts(cut, end, bar)]


def _rests(start: int, end: int, bar: Bar) -> Iterator[Event]:
    """Rests of values that begin where a value of their length can; a whole bar has one."""
    if bar.whole and (start, end) == (bar.start, bar.end):
        yield Event(start, end)
        return
    while start < end:
        size = next(
            v for v in (16, 8, 4, 2, 1) if v <= end - start and (start - bar.start) % v == 0
        )
        yield Event(start, start + size)
        start += size


def _accidentals(voices: Sequence[Sequence[Event]], key: int | None) -> set[tuple[int, int]]:
    """(frame, pitch) of the notes of a bar's staff that need a sign."""
    fifths = key_fifths(key)
    signed = _SHARPS[:fifths] if fifths > 0 else _SHARPS[fifths:] if fifths < 0 else ""
    said: dict[tuple[str, int], int] = {}
    found = set()
    for event in sorted(itertools.chain(*voices)):
        for pitch, _ in event.notes if not event.tied_from else ():
            step, alter, octave = spelt(pitch, key)
            usual = (1 if fifths > 0 else -1) if step in signed else 0
            if said.get((step, octave), usual) != alter:
                found.add((event.start, pitch))
            said[step, octave] = alter
    return found


def _beams(events: Sequence[Event], bar: Bar) -> dict[Event, list[str]]:
    """For each event with beams what its first, and perhaps its second, does there."""
    beams: dict[Event, list[str]] = {}
    for run in _runs(events, lambda e: e.notes and e.length in _FLAGS, bar):
        if len(run) > 1:
            beams |= {event: [word] for event, word in zip(run, _ways(len(run)), strict=True)}
            for short in _runs(run, lambda e: _FLAGS[e.length] == 2, bar):
                hook = "forward hook" if short[0] is run[0] else "backward hook"
                ways = _ways(len(short)) if len(short) > 1 else [hook]
                for event, word in zip(short, ways, strict=True):
                    beams[event].append(word)
    return beams


def _runs(events: Iterable[Event], wanted, bar: Bar) -> Iterator[list[Event]]:
    """Neighbours within one beat that are all wanted."""

    def kind(event: Event) -> tuple:
        return bool(wanted(event)), (event.start - bar.start) // bar.beat

    for (beamed, _), run in itertools.groupby(events, kind):
        if beamed:
            yield list(run)


def _ways(count: int) -> list[str]:
    return ["begin", *["continue"] * (count - 2), "end"]


# ---- elements ----


def _put(parent: ET.Element, tag: str, text: object = None, **attributes: object) -> ET.Element:
    made = ET.SubElement(parent, tag, {k: str(v) for k, v in attributes.items()})
    made.text = None if text is None else str(text)
    return made


def _write_attributes(measure: ET.Element, roll: PianoRoll, key: int | None) -> None:
    attributes = _put(measure, "attributes")
    _put(attributes, "divisions", FRAMES_PER_BEAT)
    signature = _put(attributes, "key")
    _put(signature, "fifths", key_fifths(key))
    if key is not None:
        _put(signature, "mode", "major" if key < 12 else "minor")
    time = _put(attributes, "time")
    for name, value in zip(("beats", "beat-type"), roll.time_signature, strict=True):
        _put(time, name, value)
    _put(attributes, "staves", 2)
    for number, (sign, line) in enumerate((("G", 2), ("F", 4)), 1):
        clef = _put(attributes, "clef", number=number)
        _put(clef, "sign", sign)
        _put(clef, "line", line)
    direction = _put(measure, "direction", placement="above")
    metronome = _put(_put(direction, "direction-type"), "metronome")
    _put(metronome, "beat-unit", "quarter")
    _put(metronome, "per-minute", f"{roll.tempo:g}")
    _put(direction, "sound", tempo=f"{roll.tempo:g}")


def _write_event(
    measure: ET.Element, event: Event, bar: Bar, place: tuple[int, int], key: int | None
) -> None:
    """A rest or the notes of a chord; `place` is the number of the voice and of its staff."""
    if not event.notes:
        rest = _put(measure, "note", **{"print-object": "no"} if event.hidden else {})
        whole = bar.whole and event.length == bar.end - bar.start
        _put(rest, "rest", **{"measure": "yes"} if whole else {})
        _write_value(rest, event, place, None if whole else "")
    for row, (pitch, velocity) in enumerate(event.notes):
        note = _put(measure, "note", dynamics=f"{100 * velocity / _FORTE:.2f}")
        if row:
            _put(note, "chord")
        name = spelt(pitch, key)
        written = _put(note, "pitch")
        for part, value in zip(("step", "alter", "octave"), name, strict=True):
            _put(written, part, value)
        _write_value(note, event, place, _ACCIDENTALS[name.alter] if pitch in event.signs else "")
        for level, word in enumerate(event.beams if not row else (), 1):
            _put(note, "beam", word, number=level)
        if event.tied_from or event.tied_to:
            _write_ties(_put(note, "notations"), "tied", event)


def _write_value(note: ET.Element, event: Event, place: tuple[int, int], sign: str | None) -> None:
    """Duration, ties, voice, note value and accidental, in that order; no value for None."""
    _put(note, "duration", event.length)
    _write_ties(note, "tie", event)
    voice, staff = place
    _put(note, "voice", voice)
    if sign is not None:
        name, dots = _VALUES[event.length]
        _put(note, "type", name)
        for _ in range(dots):
            _put(note, "dot")
    if sign:
        _put(note, "accidental", sign)
    _put(note, "staff", staff)


def _write_ties(parent: ET.Element, name: str, event: Event) -> None:
    for tied, way in ((event.tied_from, "stop"), (event.tied_to, "start")):
        if tied:
            _put(parent, name, type=way)
