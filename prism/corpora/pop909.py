"""POP909: ``POP909/001/001.mid``, with other versions of the song in ``POP909/001/versions``.

Source: Z. Wang et al., "POP909: A Pop-song Dataset for Music Arrangement Generation", ISMIR 2020;
https://github.com/music-x-lab/POP909-Dataset (MIT licence).

Conventions
-----------
metre
    The files' own says nothing: they name 1/4 in most songs, and their beats lie anywhere between
    the music's. Where a song has ``beat_midi.txt`` (each line: a beat's second, 1.0 on strong
    beats, 1.0 on downbeats), its beats become the piece's, its downbeats the bar lines, and the
    most frequent bar the time signature.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re

import numpy as np

from prism.corpora.files import tidy
from prism.corpora.folder import Layout, Name
from prism.music.midi_events import MidiEvents
from prism.music.roll import TICKS_PER_BEAT, Piece

LABEL = "POP909"
TERMS = "MIT (POP909, Wang et al. 2020); the song is its owners'"


def parse_pop909(path: str) -> Name | None:
    """The song is the folder with a three-digit number; `None` outside of one."""
    folders = pathlib.PurePosixPath(path).parent.parts
    song = next((part for part in folders if re.fullmatch(r"\d{3}", part)), None)
    return Name(LABEL, tidy(pathlib.PurePosixPath(path).stem), song) if song else None


def on_annotated_beats(piece: Piece, events: MidiEvents, annotation: bytes) -> Piece:
    """A piece moved by less than a beat, so that its beats and bars are the annotated ones.

    `events` are those it was made of, `annotation` what ``beat_midi.txt`` holds; raises ValueError
    if that has no downbeats or is no table of three columns.
    """
    table = np.array([line.split() for line in annotation.decode().splitlines() if line], float)
    if table.ndim != 2 or table.shape[1] != 3 or np.count_nonzero(table[:, 2]) < 2:
        raise ValueError("expected lines of second, strong beat and downbeat, with downbeats")
    beats = _beats_at(table[:, 0], events)
    # The mean of angles: 0.99 and 0.01 are near each other.
    phase = np.angle(np.exp(2j * np.pi * beats).mean()) / (2 * np.pi)
    shift = -round(phase * TICKS_PER_BEAT)
    if piece.notes[0, 0] + shift < 0:
        shift += TICKS_PER_BEAT
    bars = np.unique(np.round(beats[table[:, 2] > 0] - phase).astype(np.int32) * TICKS_PER_BEAT)
    bars += shift + round(phase * TICKS_PER_BEAT)
    lengths, counts = np.unique(np.diff(bars) // TICKS_PER_BEAT, return_counts=True)
    return dataclasses.replace(
        piece,
        notes=piece.notes + np.array([shift, 0, 0, 0], np.int32),
        bars=bars[bars >= 0],
        time_signature=(int(lengths[counts.argmax()]), 4),
        tempo_changes=piece.tempo_changes + [shift, 0],
        signature_changes=piece.signature_changes[:0],
    )


def _beats_at(seconds: np.ndarray, score: MidiEvents) -> np.ndarray:
    """Where moments lie, in beats from the file's beginning."""
    changes = {0: 500_000} | {change.time: change.mspq for change in score.tempos}
    ticks = np.array(sorted(changes), float)
    seconds_a_tick = np.array([changes[t] for t in sorted(changes)]) / 1e6 / score.tpq
    starts = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * seconds_a_tick[:-1])])
    index = np.clip(np.searchsorted(starts, seconds, side="right") - 1, 0, None)
    return (ticks[index] + (seconds - starts[index]) / seconds_a_tick[index]) / score.tpq


POP909 = Layout("pop909", parse_pop909, TERMS, companion="beat_midi.txt", refine=on_annotated_beats)
