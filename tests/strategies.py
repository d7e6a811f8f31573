"""Hypothesis strategies shared by the tests of rolls, MIDI files and pictures."""

import functools

import numpy as np
from hypothesis import strategies as st

from prism import ASSETS
from prism.corpora.prepared import Corpus
from prism.music.midi import write_midi
from prism.music.roll import FRAMES, TICKS_PER_FRAME, PianoRoll

SIGNATURES = [(4, 4), (3, 4), (6, 8), (5, 8), (2, 2)]


@st.composite
def rolls(draw, frames=FRAMES):
    """Rolls on the grid with tempos in hundredths; crowded keys make notes touch and overlap."""
    count = draw(st.integers(0, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lowest = draw(st.sampled_from([21, 60, 105]))
    start = random.integers(0, frames, count)
    return PianoRoll.from_arrays(
        random.integers(lowest, lowest + draw(st.sampled_from([2, 4])), count),
        start,
        start + random.integers(1, draw(st.sampled_from([2, 12])) + 1, count),
        random.choice([1, 64, 127], count),
        frames=frames,
        tempo=draw(st.integers(358, 77000)) / 100,
        time_signature=draw(st.sampled_from(SIGNATURES)),
    )


@functools.cache
def bundled_files(count=8):
    """Pieces of the bundled corpus as MIDI files."""
    pieces = Corpus.load(ASSETS / "corpus").pieces
    pieces = pieces[:: len(pieces) // count]
    return [write_midi(piece.window(frames=-(-piece.ticks // TICKS_PER_FRAME))) for piece in pieces]


@st.composite
def damaged_files(draw):
    """Real MIDI files in which some bytes are others, missing, too many, or there twice."""
    data = draw(st.sampled_from(bundled_files()))
    for _ in range(draw(st.integers(1, 6))):
        # Half of the damage is where headers are.
        place = draw(st.integers(0, 60) | st.integers(0, len(data)))
        length = draw(st.sampled_from([0, 1, 2, 9]))
        new = draw(st.binary(max_size=4) | st.just(data[place : place + 40]))
        data = data[:place] + new + data[place + length :]
    return data
