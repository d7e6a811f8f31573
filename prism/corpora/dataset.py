"""Windows of a corpus (see `prism.music.windows`), drawn for the page and for training.

Conventions
-----------
transposition
    −5 to +6 semitones, drawn anew each time a training window is used; or, of key-normalised
    training, what moves the window's key to C major or A minor.
sampling
    A label is drawn with probability proportional to a power of its number of windows (the square
    root, if nothing else is said), then one of its windows.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from prism.corpora.collections import collection_of
from prism.corpora.prepared import Corpus
from prism.corpora.sharded import ShardedCorpus
from prism.music.attributes import ATTRIBUTES, attribute_indices, key_index, normalising_shift
from prism.music.form import bar_letters, plan_of
from prism.music.roll import PianoRoll, Piece
from prism.music.windows import Window, windows_of

TRANSPOSITIONS = tuple(range(-5, 7))
COUNTED_WINDOWS = 400
COUNTED_PLANS = 40


def windows_by_label(corpus: Corpus | ShardedCorpus, split: str) -> dict[str, Sequence[Window]]:
    """All windows of one split, for each label in display order."""
    return {label: corpus.windows(split, label) for label in corpus.labels}


def corpus_sample(corpus: Corpus, labels: Sequence[str], seed: int) -> Window:
    """A held-out window by one of `labels`, drawn by the seed: the label, a piece, a window of it.

    Raises ValueError if `labels` is empty or one of them is unknown.
    """
    if not labels:
        raise ValueError("labels: expected at least one composer, got none")
    rng = np.random.default_rng([seed % 2**63, 1])
    pieces = corpus.select("test", [labels[rng.integers(len(labels))]])
    windows = windows_of(pieces[rng.integers(len(pieces))])
    return windows[rng.integers(len(windows))]


def prompt_sample(corpus: Corpus, sample: Window, seed: int) -> Window:
    """The opening of another held-out piece with the same label as `sample`, drawn by the seed.

    From the test split if it has such a piece, else from the validation split; raises ValueError if
    neither has.
    """
    return _other_windows(corpus, sample.piece, np.random.default_rng([seed % 2**63, 2]))[0]


def another_sample(corpus: Corpus, sample: Window, seed: int) -> Window:
    """Like `prompt_sample`, any of a piece's windows: what a composer has in common with himself.

    Its piece is drawn apart from the prompt's.
    """
    rng = np.random.default_rng([seed % 2**63, 3])
    windows = _other_windows(corpus, sample.piece, rng)
    return windows[rng.integers(len(windows))]


def _other_windows(corpus: Corpus, shown: Piece, rng: np.random.Generator) -> list[Window]:
    for split in ("test", "validation"):
        pieces = corpus.select(split, [shown.label])
        others = [piece for piece in pieces if piece.identifier != shown.identifier]
        if others:
            return windows_of(others[rng.integers(len(others))])
    raise ValueError(f"corpus: no other held-out piece under {shown.label!r}")


def roll_tensor(roll: PianoRoll) -> torch.Tensor:
    """A roll as float tensor, shape=(3, 88, frames): onset, sustain, velocity / 127."""
    channels = [roll.onset, roll.sustain, roll.velocity / 127.0]
    return torch.from_numpy(np.stack(channels).astype(np.float32))


def tensor_roll(tensor: torch.Tensor, **properties) -> PianoRoll:
    """The roll of which `roll_tensor` made this tensor; `properties` as for `PianoRoll`."""
    onset, sustain, velocity = tensor.numpy()
    loudness = np.rint(velocity * 127).astype(np.uint8)
    return PianoRoll(onset > 0.5, sustain > 0.5, loudness, **properties)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Training windows: rolls (B, 3, 88, 256), label indices (B,), metre (B, 64, 2).

    And the indices of their collections (B,), of which the one past the last is none; the semitones
    that each was moved up (B,); the form letters of its beats (B, 64), see `prism.music.form`.
    """

    rolls: torch.Tensor
    labels: torch.Tensor
    metre: torch.Tensor
    collections: torch.Tensor
    shifts: torch.Tensor
    letters: torch.Tensor


class WindowSampler:
    """Draws training batches; batch `step` is the same in every run with the same seed.

    Of a sharded corpus, windows are read when they are drawn. A batch tells the given `collections`
    apart. `key_normalised` moves each window to C major or A minor instead of by a transposition
    drawn at random. A label is drawn in proportion to its number of windows to the power of
    `label_power`. Without `form`, all form letters are 0.
    """

    def __init__(
        self,
        corpus: Corpus | ShardedCorpus,
        split: str = "train",
        collections: Sequence[str] = (),
        key_normalised: bool = False,
        label_power: float = 0.5,
        form: bool = False,
    ) -> None:
        self._collections = {name: index for index, name in enumerate(collections)}
        self.windows = list(windows_by_label(corpus, split).values())
        self._key_normalised, self._form = key_normalised, form
        share = np.power([len(w) for w in self.windows], label_power)
        self.label_probability = share / share.sum()

    def batch(self, batch_size: int, seed: int, step: int, rows: slice = slice(None)) -> Batch:
        """Draw `batch_size` windows with label, window and transposition at random.

        Only `rows` of them are made and returned: the same ones as without, in less time.
        """
        rng = np.random.default_rng([seed, step])
        labels = rng.choice(len(self.windows), batch_size, p=self.label_probability)
        places = [rng.integers(len(self.windows[k])) for k in labels]
        shifts, labels = rng.choice(TRANSPOSITIONS, batch_size)[rows], labels[rows]
        chosen = [self.windows[k][i] for k, i in zip(labels, places[rows], strict=True)]
        return self._collate(labels, chosen, shifts)

    def fixed(self, count: int) -> Batch:
        """The same windows each time, as many of each label as fit; none transposed at random."""
        rng = np.random.default_rng([0, 0])
        labels = np.arange(count) % len(self.windows)
        chosen = [self.windows[k][rng.integers(len(self.windows[k]))] for k in labels]
        return self._collate(labels, chosen, np.zeros(count, np.int64))

    def _collate(self, labels: np.ndarray, windows: list[Window], shifts: np.ndarray) -> Batch:
        if self._key_normalised:
            own = [window.roll for window in windows]
            shifts = np.array([normalising_shift(key_index(roll)) for roll in own])
            rolls = [roll.transposed(s) for roll, s in zip(own, shifts, strict=True)]
        else:
            rolls = [w.transposed(s) for w, s in zip(windows, shifts, strict=True)]
        metres = [w.metre for w in windows]
        letters = [
            bar_letters(r.onset, m) if self._form else np.zeros(len(m), np.int64)
            for r, m in zip(rolls, metres, strict=True)
        ]
        known = self._collections
        collections = [known.get(collection_of(w.piece), len(known)) for w in windows]
        return Batch(
            torch.stack([roll_tensor(roll) for roll in rolls]),
            torch.from_numpy(labels.astype(np.int64)),
            torch.from_numpy(np.stack(metres)),
            torch.tensor(collections, dtype=torch.int64),
            torch.from_numpy(shifts.astype(np.int64)),
            torch.from_numpy(np.stack(letters)),
        )


def label_profiles(corpus: Corpus | ShardedCorpus) -> dict[str, dict]:
    """What a sampler needs to know of each label besides its notes, from the training split.

    For each label: ``time_signatures``, a list of (numerator, denominator, share of its pieces),
    most frequent first, and ``tempo``, the median in quarter notes a minute, each piece with the
    metre that most of its beats lie in and with its mean tempo.
    """
    profiles = {}
    for label in corpus.labels:
        tempos, signatures = zip(*corpus.profiles("train", label), strict=True)
        counts = Counter(map(tuple, signatures)).most_common()
        profiles[label] = {
            "time_signatures": [[*s, round(n / len(tempos), 4)] for s, n in counts],
            "tempo": float(np.median(tempos)),
        }
    return profiles


def attribute_shares(corpus: Corpus, names: Sequence[str]) -> dict[str, dict[str, list[float]]]:
    """For each label and attribute the share of each value and, last, of the null value.

    `names` are keys of `prism.music.attributes.ATTRIBUTES`. About `COUNTED_WINDOWS` training
    windows a label are counted, untransposed.
    """
    shares = {}
    for label in corpus.labels if names else ():
        counted = _counted_windows(corpus, label)
        found = np.array([attribute_indices(window.roll, names) for window in counted])
        shares[label] = {}
        for name, indices in zip(names, found.T, strict=True):
            counts = np.bincount(indices, minlength=len(ATTRIBUTES[name].values) + 1)
            shares[label][name] = (counts / len(indices)).tolist()
    return shares


def form_plans(corpus: Corpus) -> dict[str, dict[str, list[str]]]:
    """Plans of real windows (see `prism.music.form`), for samplers to draw from.

    For each label, for each bar length in frames (as text), up to `COUNTED_PLANS` plans of training
    windows that keep this bar length throughout.
    """
    plans = {}
    for label in corpus.labels:
        found: dict[str, list[str]] = {}
        for window in _counted_windows(corpus, label):
            metre = window.metre
            if metre[:, 0].all() and len(set(metre[:, 0])) == 1 and metre[0, 1] == 0:
                plan = plan_of(bar_letters(window.roll.onset, metre), metre)
                found.setdefault(str(metre[0, 0]), []).append(plan)
        plans[label] = {
            length: rows[:: -(-len(rows) // COUNTED_PLANS)] for length, rows in found.items()
        }
    return plans


def _counted_windows(corpus: Corpus, label: str) -> Sequence[Window]:
    windows = corpus.windows("train", label)
    return windows[:: max(1, len(windows) // COUNTED_WINDOWS)]
