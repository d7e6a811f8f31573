"""Hypothesis strategies shared by the tests of rolls, MIDI files and pictures."""

import numpy as np
from hypothesis import strategies as st

from prism.music.roll import FRAMES, PianoRoll

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
