"""What the lessons compute: the same models as everywhere, stopped half way or fed with changes.

t is diffusion time, 0 for music and 1 for noise, and x_t the sampler's current sample at it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from prism.amt.pipeline import PartialSample
from prism.corpora.dataset import another_sample, corpus_sample, roll_tensor
from prism.corpora.prepared import Corpus
from prism.models.diffusion import add_noise
from prism.models.pipeline import Preview, PrismPipeline
from prism.music.roll import FRAMES_PER_BEAT, LOWEST_PITCH, Note, PianoRoll
from prism.music.windows import Window, cut
from prism.similarity.bands import noise, shuffled

Item = TypeVar("Item")


def encode(pipeline: PrismPipeline, roll: PianoRoll) -> torch.Tensor:
    """The autoencoder's numbers for a roll, shape=(N, D)."""
    with torch.inference_mode():
        return pipeline.autoencoder.encode(roll_tensor(roll)[None].to(pipeline.device))[0]


def decode(pipeline: PrismPipeline, latents: torch.Tensor, like: PianoRoll) -> PianoRoll:
    """The roll of some numbers, shape=(N, D), at the tempo and in the metre of another roll."""
    return pipeline.decode(latents[None], [like.properties])[0]


def gaussian(like: torch.Tensor, seed: int) -> torch.Tensor:
    """The noise that the pipeline starts from with this seed, in the shape and place of `like`."""
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed)).to(like.device)


def dissolved(pipeline: PrismPipeline, roll: PianoRoll, times: Sequence[float]) -> list[PianoRoll]:
    """The forward process: a roll's numbers mixed with the same noise, decoded at some times t."""
    latents = encode(pipeline, roll)
    levels = torch.tensor(times, device=latents.device)
    return [
        decode(pipeline, mixed, roll)
        for mixed in add_noise(latents[None], gaussian(latents, 0)[None], levels)
    ]


class DecodedState(NamedTuple):
    """The sampler after some steps, as music: x_t, and the clean estimate made from it."""

    step: int
    t: float
    x_t: PianoRoll
    clean: PianoRoll


def decoded_states(previews: Iterable[Preview], seed: int) -> Iterator[DecodedState]:
    """The reverse process, from the noise to the result: one more than there are steps.

    The previews are from `PrismPipeline.stream` for the one seed, and have the clean estimate c
    alone. x_t follows from Euler's rule: a step from t to t' keeps the share t'/t of it and takes
    the rest from c.
    """
    t, x_t = 1.0, None
    for preview in previews:
        clean = preview.latents
        x_t = gaussian(clean[0], seed)[None] if x_t is None else x_t
        yield DecodedState(preview.step - 1, t, preview.decode(x_t)[0], preview.rolls[0])
        share = preview.t / t
        t, x_t = preview.t, share * x_t + (1 - share) * clean
    yield DecodedState(preview.step, t, preview.rolls[0], preview.rolls[0])


def changed(
    pipeline: PrismPipeline,
    roll: PianoRoll,
    beat: int,
    numbers: Sequence[float],
    noise_scale: float = 0.0,
) -> PianoRoll:
    """A roll after a round trip through the autoencoder on which its numbers were changed.

    Those of one beat, counted from 0, are replaced; then noise of a standard deviation of
    `noise_scale`, always the same, is added to those of all beats. Raises ValueError if there is no
    such beat, or the numbers are too few, too many or not finite.
    """
    latents = encode(pipeline, roll).clone()
    beats, size = latents.shape
    if not 0 <= beat < beats:
        raise ValueError(f"beat: expected 0 to {beats - 1}, got {beat}")
    if len(numbers) != size or not np.isfinite(numbers).all():
        raise ValueError(f"numbers: expected {size} finite numbers, got {list(numbers)}")
    latents[beat] = torch.tensor(numbers, dtype=latents.dtype, device=latents.device)
    return decode(pipeline, latents + noise_scale * gaussian(latents, 0), roll)


def bars_around(roll: PianoRoll, beat: int) -> tuple[int, int]:
    """(first frame, frames) of the bar a beat begins in and its neighbours, within the roll."""
    starts = roll.bar_starts
    index = max(0, int(np.searchsorted(starts, beat * FRAMES_PER_BEAT, side="right")) - 2)
    first, last = [*starts[index : index + 4 : 3].tolist(), roll.frames][:2]
    return first, last - first


def relatives(corpus: Corpus, window: Window, seed: int) -> dict[str, PianoRoll]:
    """Rolls that a listener would call the same as a window, like it, or nothing like it.

    Keyed by words for the visitor; the seed decides which held-out pieces are taken, and what is
    shuffled how.
    """
    roll, composer = window.roll, window.piece.label
    rng = np.random.default_rng([seed, 4])
    others = [label for label in corpus.labels if label != composer]
    rolls = {
        "The same roll": roll,
        "A semitone higher": window.transposed(1),
        "An octave higher": window.transposed(12),
        "A beat later": cut(roll, -FRAMES_PER_BEAT),
        "Its notes shuffled": shuffled(roll, rng),
        f"Another piece: {composer}": another_sample(corpus, window, seed).roll,
    }
    if others:
        other = corpus_sample(corpus, others, seed)
        rolls[f"Another composer: {other.piece.label}"] = other.roll
    return rolls | {"Random notes": noise(roll, rng)}


def timed(items: Iterable[Item]) -> Iterator[tuple[float, Item]]:
    """Each item with the seconds that making it and all before it took, waiting left out."""
    spent, began = 0.0, time.perf_counter()
    for item in items:
        spent += time.perf_counter() - began
        yield spent, item
        began = time.perf_counter()


def births(sample: PartialSample) -> tuple[list[Note], list[int]]:
    """A finished sample's notes in the order in which they were written.

    Returns
    -------
    list of Note
        Those of the finished roll.
    list of int
        How many of them are there after so many written ones, from none to all. It may stand still:
        a note written on a key that is struck at that very moment adds none.
    """
    final = sample.roll
    born = np.zeros(final.onset.shape, int)
    for count in range(sample.notes - 1, -1, -1):
        born[~sample.build(count).onset & final.onset & (born == 0)] = count + 1
    notes = sorted(final.notes(), key=lambda n: (_at(born, n), n.start, n.pitch))
    ages = [_at(born, note) for note in notes]
    return notes, [int(np.searchsorted(ages, n, side="right")) for n in range(sample.notes + 1)]


def _at(born: np.ndarray, note: Note) -> int:
    return int(born[note.pitch - LOWEST_PITCH, round(note.start * FRAMES_PER_BEAT)])
