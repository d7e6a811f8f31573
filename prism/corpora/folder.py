"""MIDI files of a tree ``Artist/Song.mid`` (see `prism.corpora.files`) read into `Piece` records.

Conventions
-----------
label
    The topmost folder, whatever lies between it and the file.
title
    The file's name without its ending.
left out
    A file that cannot be used comes back as `LeftOut`, with a short reason that can be counted
    and the reader's own words; no file stops a preparation.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from prism.corpora.files import (
    ARCHIVE_ERRORS,
    MAX_FILE_BYTES,
    MIDI_NAME,
    LeftOut,
    MidiFile,
    load,
    tidy,
)
from prism.music.midi import MidiError, read_midi
from prism.music.midi_events import MidiEvents, read_events
from prism.music.roll import TICKS_PER_BEAT, Piece

MAX_NOTES = 50_000
MAX_BEATS = 4_000
# The prepared file stores durations and rests as 16-bit ticks.
MAX_NOTE_BEATS = 32_767 // TICKS_PER_BEAT
TEMPO_RANGE = (10.0, 1000.0)
TERMS = "unknown: supplied by the user"
NO_ARTIST = "no artist folder above the file"
NOT_READABLE = "not readable as MIDI"

_ZERO_TEMPO = b"\xff\x51\x03\x00\x00\x00"
# What `prism.music.midi` says, and what it comes down to.
_REASONS = (
    ("is empty", "an empty file"),
    ("cut short", "cut short"),
    ("is not a MIDI|bytes long|time division|no tracks|of type", "not a MIDI header Prism reads"),
    ("is larger than", f"more than {MAX_FILE_BYTES} bytes"),
    (r"has \d+ notes", f"more than {MAX_NOTES} notes"),
    ("lie beyond", f"more than {MAX_BEATS} beats"),
    ("make no sense", "events that make no sense"),
)


class Name(NamedTuple):
    """What a file's path says about it: artist, title, and a key its versions share."""

    artist: str
    title: str
    song: str


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a collection names its files.

    Parameters
    ----------
    name : str
        What the command line calls it.
    parse : callable
        From a path below the root to a `Name`, or `None` where the path has no artist.
    terms : str
        The terms the files are used under.
    merge_artists : callable or None
        From all artist names (with repeats) to a dict from each to the label it counts to.
    companion : str
        Name of the files' companions (see `prism.corpora.files`), if they have any.
    refine : callable or None
        From a piece, its file's events and the companion's bytes to a better piece.
    """

    name: str
    parse: Callable[[str], Name | None]
    terms: str = TERMS
    merge_artists: Callable[[list[str]], dict[str, str]] | None = None
    companion: str = ""
    refine: Callable[[Piece, MidiEvents, bytes], Piece] | None = None


def parse_name(path: str) -> Name | None:
    """``Artist/any/folders/Song.mid`` → artist, title and song; `None` without an artist."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    if len(parts) < 2:
        return None
    artist, title = tidy(parts[0]), tidy(MIDI_NAME.sub("", parts[-1]))
    if not artist:
        return None
    return Name(artist, title or artist, "/".join(parts))


FOLDER = Layout("folder", parse_name)


def named_files(
    layout: Layout, wrapper: str, files: list[tuple[str, Any]]
) -> tuple[list[tuple[str, Name, Any]], list[LeftOut]]:
    """Give read files the names that their paths say; those without an artist are left out.

    `files` are path and result of every file, `wrapper` the folders around all artists. Returned
    are path, name and result of those that can be used, and the others.
    """
    named: list[tuple[str, Name, Any]] = []
    left_out: list[LeftOut] = []
    for path, result in files:
        path = path.removeprefix(wrapper)
        name = layout.parse(path)
        if isinstance(result, LeftOut):
            left_out.append(result._replace(file=tidy(path), detail=tidy(result.detail)))
        elif name is None:
            left_out.append(LeftOut(tidy(path), NO_ARTIST))
        else:
            named.append((tidy(path), name, result))
    return named, left_out


def read_entry(entry: MidiFile, refine: Callable | None = None) -> Piece | LeftOut:
    """One file's music, refined by its companion if it has one; see `Layout`."""
    found = read_with_events(entry)
    if isinstance(found, LeftOut):
        return found
    piece, events = found
    if refine is None or entry.companion is None:
        return piece
    try:
        return refine(piece, events, entry.companion())
    except (ValueError, *ARCHIVE_ERRORS) as error:
        return LeftOut("", "its companion could not be read", str(error))


def read_with_events(entry: MidiFile) -> tuple[Piece, MidiEvents] | LeftOut:
    """As `read_content`, of a file that has still to be opened."""
    content = load(entry)
    return content if isinstance(content, LeftOut) else read_content(content)


def read_content(content: bytes) -> tuple[Piece, MidiEvents] | LeftOut:
    """One file's music, without a name yet, and the events that it was made of.

    Limits are tighter than those of `prism.music.midi`.
    """
    if len(content) > MAX_FILE_BYTES:
        return LeftOut("", f"more than {MAX_FILE_BYTES} bytes")
    if _ZERO_TEMPO in content:
        return LeftOut("", "a tempo of 0 microseconds a beat")
    try:
        events = read_events(content)
        piece = read_midi(events)
    except MidiError as error:
        return LeftOut("", _reason(str(error)), str(error).removeprefix("MIDI data: "))
    except (ValueError, ArithmeticError, MemoryError) as error:
        return LeftOut("", NOT_READABLE, f"{type(error).__name__}: {error}")
    reason = _beyond_limits(piece)
    return LeftOut("", reason) if reason else (piece, events)


def _reason(message: str) -> str:
    found = (reason for pattern, reason in _REASONS if re.search(pattern, message))
    return next(found, NOT_READABLE)


def _beyond_limits(piece: Piece) -> str | None:
    if not len(piece.notes):
        return "no notes but drums"
    if len(piece.notes) > MAX_NOTES:
        return f"more than {MAX_NOTES} notes"
    if piece.ticks > MAX_BEATS * TICKS_PER_BEAT:
        return f"more than {MAX_BEATS} beats"
    longest = max(int(piece.notes[:, 1].max()), int(np.diff(piece.notes[:, 0], prepend=0).max()))
    if longest > MAX_NOTE_BEATS * TICKS_PER_BEAT:
        return f"a note or rest of more than {MAX_NOTE_BEATS} beats"
    if not TEMPO_RANGE[0] <= piece.tempo <= TEMPO_RANGE[1]:
        return f"a tempo outside {TEMPO_RANGE[0]:g} to {TEMPO_RANGE[1]:g}"
    return None
