"""Attributes: what can be asked of a roll besides its composers.

Every attribute but the collection has a rule that reads its value from the notes alone: it labels
the training windows and says whether a generated roll has what was asked for.

Conventions
-----------
key
    The best of 24 under the probe-tone profiles of Krumhansl & Kessler 1982 (figure 3), by
    correlation with how long each pitch class sounds (Krumhansl 1990, chapter 4).
density
    Notes a beat: sparse below 1.75, medium, dense from 3.5.
register
    Mean pitch of the notes: low below 63 (E♭4), middle, high from 71 (B4).
character
    One point each for 3.5 notes a beat, a range of 28 semitones (5th to 95th percentile of pitch)
    and a mean velocity of 85, or more. Two points are dramatic. Soft has none, less than 2 notes a
    beat, and a range below 20 semitones. The rest is moderate.
repetition
    `prism.music.statistics.repeated_bars`: none below .05, little, some from .2, much from .4.
metre
    Three or four beats a bar: the better of the two by autocorrelation (Brown 1993, "Determination
    of the meter of musical scores by autocorrelation") at one, two and four bars, each note
    counting by the root of its length. No condition of its own, as a time signature is asked for.
collection
    Where a piece is from (`prism.corpora.collections`), which its notes do not say; the training
    corpus decides what there is to choose from.
no value
    A silent roll has no attributes; a roll whose two best keys are alike has no key, one whose
    beginnings are as many in every frame no metre.

The bounds of density, register and repetition cut the default corpus into parts of similar size.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from prism.music.roll import FRAMES_PER_BEAT, LOWEST_PITCH, PianoRoll
from prism.music.statistics import repeated_bars

DENSITY_BOUNDS = (1.75, 3.5)
REGISTER_BOUNDS = (63.0, 71.0)
REPETITION_BOUNDS = (0.05, 0.2, 0.4)
DRAMATIC_DENSITY, DRAMATIC_RANGE, DRAMATIC_VELOCITY = 3.5, 28.0, 85.0
SOFT_DENSITY, SOFT_RANGE = 2.0, 20.0

COLLECTION = "collection"

_PITCH_CLASSES = ("C", "D♭", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_KEY = re.compile("(?P<tonic>[A-G][b#♭♯]?) (?P<mode>major|minor)")
_SAME_TONIC = {"C♯": "D♭", "D♯": "E♭", "G♭": "F♯", "G♯": "A♭", "A♯": "B♭"}
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_PROFILES = np.array([np.roll(mode, tonic) for mode in (_MAJOR, _MINOR) for tonic in range(12)])
_SMALLEST_KEY_MARGIN = 0.01
_BEATS_A_BAR, _COMPARED_BARS = (3, 4), (1, 2, 4)


@dataclasses.dataclass(frozen=True)
class Attribute:
    """One thing that can be asked for; `rule` finds the index of a roll's value, if it has one."""

    name: str
    values: tuple[str, ...]
    rule: Callable[[PianoRoll], int | None]

    def measure(self, roll: PianoRoll) -> str | None:
        """The roll's value in words; None if it has none."""
        index = self.rule(roll)
        return None if index is None else self.values[index]


def key_index(roll: PianoRoll) -> int | None:
    """Index of the key: 0 to 11 for C to B major, 12 to 23 for C to B minor."""
    sounding = roll.active.sum(1).astype(float)
    classes = np.bincount((np.arange(len(sounding)) + LOWEST_PITCH) % 12, sounding, minlength=12)
    if classes.std() == 0:
        return None
    fit = np.corrcoef(classes, _PROFILES)[0, 1:]
    best, second = np.sort(fit)[[-1, -2]]
    return int(fit.argmax()) if best - second >= _SMALLEST_KEY_MARGIN else None


def normalising_shift(key: int | None) -> int:
    """Semitones, −6 to 5, that move music in a key to C major or A minor.

    `key` is from `key_index`; for None and for the null value, 24, the shift is 0.
    """
    if key is None or key >= len(_PROFILES):
        return 0
    tonic = key if key < 12 else key - 12 + 3  # a minor key's relative major
    return (-tonic + 6) % 12 - 6


def density_index(roll: PianoRoll) -> int | None:
    """0, 1 or 2: sparse, medium, dense."""
    count = len(roll.arrays()[0])
    return int(np.digitize(count / roll.beats, DENSITY_BOUNDS)) if count else None


def register_index(roll: PianoRoll) -> int | None:
    """0, 1 or 2: low, middle, high."""
    pitch = roll.arrays()[0]
    return int(np.digitize(pitch.mean(), REGISTER_BOUNDS)) if len(pitch) else None


def character_index(roll: PianoRoll) -> int | None:
    """0, 1 or 2: soft, moderate, dramatic."""
    pitch, _, _, velocity = roll.arrays()
    if not len(pitch):
        return None
    density = len(pitch) / roll.beats
    low, high = np.percentile(pitch, [5, 95])
    dense, wide = density >= DRAMATIC_DENSITY, high - low >= DRAMATIC_RANGE
    points = int(dense) + int(wide) + int(velocity.mean() >= DRAMATIC_VELOCITY)
    if points >= 2:
        return 2
    return 0 if points == 0 and density < SOFT_DENSITY and high - low < SOFT_RANGE else 1


def repetition_index(roll: PianoRoll) -> int | None:
    """0 to 3: none, little, some, much."""
    share = repeated_bars(roll)
    return None if share is None else repetition_of(share)


def repetition_of(share: float) -> int:
    """0 to 3 for a share of repeated bars: none, little, some, much."""
    return int(np.digitize(share, REPETITION_BOUNDS))


def metre_index(roll: PianoRoll) -> int | None:
    """0 or 1: three beats a bar, four beats a bar."""
    _, start, end, _ = roll.arrays()
    weight = np.bincount(start, np.sqrt(end - start), minlength=roll.frames)
    if weight.std() == 0:
        return None
    bars = [FRAMES_PER_BEAT * count * np.array(_COMPARED_BARS) for count in _BEATS_A_BAR]
    return int(np.argmax([sum(_autocorrelation(weight, lag) for lag in lags) for lags in bars]))


def _autocorrelation(series: np.ndarray, lag: int) -> float:
    """Of a series longer than the lag, corrected for the fewer pairs there are at longer lags."""
    centred = series - series.mean()
    return float(np.mean(centred[:-lag] * centred[lag:]) / np.mean(centred**2))


METRE = Attribute("metre", tuple(f"{count} beats a bar" for count in _BEATS_A_BAR), metre_index)
ATTRIBUTES = {
    attribute.name: attribute
    for attribute in (
        Attribute(
            "key",
            tuple(f"{name} {mode}" for mode in ("major", "minor") for name in _PITCH_CLASSES),
            key_index,
        ),
        Attribute("density", ("sparse", "medium", "dense"), density_index),
        Attribute("register", ("low", "middle", "high"), register_index),
        Attribute("character", ("soft", "moderate", "dramatic"), character_index),
        Attribute("repetition", ("none", "little", "some", "much"), repetition_index),
    )
}


NAMES = (*ATTRIBUTES, COLLECTION)


def attribute_values(
    names: Iterable[str], collections: Sequence[str] = ()
) -> dict[str, tuple[str, ...]]:
    """All values of some attributes; those of the collection are the corpus's."""
    return {
        name: tuple(collections) if name == COLLECTION else ATTRIBUTES[name].values
        for name in names
    }


def attribute_indices(roll: PianoRoll, names: Iterable[str]) -> np.ndarray:
    """A roll's values of attributes with a rule, as int64.

    What it lacks is the attribute's null value: the number of its values, one past the last.
    """
    found = [(ATTRIBUTES[name].rule(roll), len(ATTRIBUTES[name].values)) for name in names]
    return np.array([null if index is None else index for index, null in found], np.int64)


def usual_spelling(value: str) -> str:
    """A value as `ATTRIBUTES` has it; keys can be spelt in other ways.

    Examples
    --------
    >>> usual_spelling("Bb major"), usual_spelling("C# minor"), usual_spelling("sparse")
    ('B♭ major', 'D♭ minor', 'sparse')
    """
    found = _KEY.fullmatch(value)
    if not found:
        return value
    tonic = found["tonic"].replace("b", "♭").replace("#", "♯")
    return f"{_SAME_TONIC.get(tonic, tonic)} {found['mode']}"
