"""Form letters: bars that are alike share a letter, as in AABA.

Conventions
-----------
alike
    Two bars of one length are alike where twice their common onsets (same pitch, same place in
    the bar) are at least `ALIKE` of all their onsets together; silent bars are alike.
letter
    1 to `LETTERS` in order of first appearance; a bar has the letter of the first bar that it is
    alike to. 0 stands for none: a bar cut off at the edge, an unknown metre, a bar past the last
    letter.
plan
    The letters of a window's bars, as text: "A" for 1, "-" for none.
"""

from __future__ import annotations

import math

import numpy as np

from prism.music.roll import FRAMES_PER_BEAT

LETTERS = 16
ALIKE = 0.8
LETTER_NAMES = "ABCDEFGHIJKLMNOP"
_TEXT = f"-{LETTER_NAMES}"


def bar_letters(onset: np.ndarray, metre: np.ndarray) -> np.ndarray:
    """The letter of the bar that each beat lies in, int64, shape=(beats,).

    Parameters
    ----------
    onset : ndarray of bool, shape=(88, frames)
    metre : ndarray of int, shape=(beats, 2)
        As from `prism.music.windows`; all beats are without a letter if one is of unknown metre.
    """
    letters = np.zeros(len(metre), np.int64)
    if not metre[:, 0].all():
        return letters
    starts = np.arange(len(metre)) * FRAMES_PER_BEAT - metre[:, 1]
    first: list[np.ndarray] = []
    for start in np.unique(starts):
        beats = starts == start
        end = start + int(metre[beats][0, 0])
        if start < 0 or end > onset.shape[1]:
            continue
        bar = onset[:, start:end]
        found = [n for n, other in enumerate(first, start=1) if _alike(bar, other)]
        if not found and len(first) < LETTERS:
            first.append(bar)
            found = [len(first)]
        letters[beats] = found[0] if found else 0
    return letters


def _alike(bar: np.ndarray, other: np.ndarray) -> bool:
    if bar.shape != other.shape:
        return False
    return 2 * (bar & other).sum() >= ALIKE * (bar.sum() + other.sum())


def plan_of(letters: np.ndarray, metre: np.ndarray) -> str:
    """The letters of the beats as a plan, one a bar.

    Examples
    --------
    >>> metre = np.array([[8, 0], [8, 4], [8, 0], [8, 4], [8, 0]])
    >>> plan_of(np.array([1, 1, 2, 2, 0]), metre)
    'AB-'
    """
    return "".join(_TEXT[letter] for letter in letters[_bar_begins(metre)])


def plan_repetition(plan: str) -> float:
    """The share of a plan's lettered bars that have an earlier bar's letter; 0 without any."""
    letters = plan.replace("-", "")
    return 1 - len(set(letters)) / len(letters) if letters else 0.0


def planned_letters(plan: str, metre: np.ndarray) -> np.ndarray:
    """What `plan_of` was made from; beats of bars past the plan's end have no letter."""
    bars = np.cumsum(_bar_begins(metre)) - 1
    known = np.array([_TEXT.index(letter) for letter in plan] + [0] * len(metre))
    return np.where(bars >= 0, known[bars], 0).astype(np.int64)


def form_plan(form: str, bars: int, unit: int = 1) -> str:
    """A plan of so many bars, of which each letter of a form stands for equally many.

    Where there is room, they are a multiple of `unit`. Bars that are left over have no letter, nor
    have those past the last letter that there is.

    Examples
    --------
    >>> form_plan("AABA", 16), form_plan("ABA", 8)
    ('ABCDABCDEFGHABCD', 'ABCDAB--')
    """
    each = max(1, bars // len(form))
    each = each // unit * unit or each
    places = [(form[bar // each], bar % each) for bar in range(min(bars, each * len(form)))]
    found = list(dict.fromkeys(places))[:LETTERS]
    plan = "".join(_TEXT[found.index(p) + 1] if p in found else _TEXT[0] for p in places)
    return plan.ljust(bars, _TEXT[0])


def form_letters(form: str, metre: np.ndarray) -> np.ndarray:
    """The letters of the beats by `form_plan`, of the bars that are whole; none of unknown ones.

    Where bars are no whole beats, as in 9/8, a letter has so many that all its bars begin alike.
    """
    if not metre[:, 0].all():
        return np.zeros(len(metre), np.int64)
    begins = np.flatnonzero(_bar_begins(metre))
    ends = begins * FRAMES_PER_BEAT - metre[begins, 1] + metre[begins, 0]
    bars = int((ends <= len(metre) * FRAMES_PER_BEAT).sum())
    unit = FRAMES_PER_BEAT // math.gcd(FRAMES_PER_BEAT, int(metre[0, 0]))
    return planned_letters(form_plan(form, bars, unit), metre)


def _bar_begins(metre: np.ndarray) -> np.ndarray:
    """Which beats are the first of a bar; it may begin within the beat before, as in 9/8."""
    return metre[:, 1] < FRAMES_PER_BEAT
