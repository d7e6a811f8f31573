"""AMTPipeline: a prompt, a melody or composers and a seed in, a roll out, note by note."""

from __future__ import annotations

import copy
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from prism.amt import events, published
from prism.amt.events import events_roll, roll_events
from prism.amt.infilling import given_events, infilled
from prism.amt.model import AnticipatoryTransformer
from prism.amt.sampler import CachedReader, Choose, generate, nucleus
from prism.amt.vocabulary import CENTISECONDS_PER_SECOND
from prism.models.known import Beats, KnownBeats
from prism.models.setting_types import Offered, SettingError
from prism.models.settings import SETTINGS, GenerationSettings, checked_seeds
from prism.music.attributes import key_index, normalising_shift
from prism.music.roll import BEATS, DEFAULT_TEMPO, FRAMES, FRAMES_PER_BEAT, PianoRoll

DEFAULT_TOP_P = 0.98


@dataclasses.dataclass(frozen=True)
class PartialSample:
    """A sample so far.

    Parameters
    ----------
    notes : int
        How many were generated; `build` turns the first so many into a roll.
    beats : float
        How far it has come, 0 to 64.
    done : bool
        Whether this is the whole sample.
    """

    notes: int
    beats: float
    done: bool
    build: Callable[[int], PianoRoll]

    @functools.cached_property
    def roll(self) -> PianoRoll:
        """The notes so far (with the melody, if there is one), built when first asked for."""
        return self.build(self.notes)


@dataclasses.dataclass(frozen=True)
class AMTOutput:
    """What a call returns: one roll a seed."""

    rolls: list[PianoRoll]
    seeds: tuple[int, ...]


class AMTPipeline:
    """Continues a prompt, accompanies a melody, fills in beats, or starts from nothing.

    Parameters
    ----------
    name : str
        What to call it where its samples are shown.

    Examples
    --------
    >>> from prism.amt.pipeline import AMTPipeline
    >>> amt = AMTPipeline.from_pretrained("weights/amt")
    >>> roll = amt(seed=7).rolls[0]
    """

    def __init__(self, model: AnticipatoryTransformer, name: str = "AMT") -> None:
        self.model = model.eval()
        self.name = name

    @classmethod
    def from_pretrained(cls, name: str | pathlib.Path) -> AMTPipeline:
        """Load what `save_pretrained` wrote or was published; see `prism.amt.published.load`."""
        model = published.load(name)
        return cls(model, "AMT-mini" if model.config.centiseconds_per_beat else str(name))

    def save_pretrained(self, folder: str | pathlib.Path) -> None:
        """Write the model as safetensors in half precision."""
        copy.deepcopy(self.model).half().save_pretrained(folder)

    @property
    def composers(self) -> list[str]:
        """The labels a call can name; a model may have been told none."""
        return list(self.model.config.composers)

    def centiseconds_per_beat(self, tempo: float) -> float:
        """Length of a beat in the model's time: its own, or that of the tempo."""
        own = self.model.config.centiseconds_per_beat
        return own or 60 * CENTISECONDS_PER_SECOND / tempo

    def __call__(
        self,
        prompt: PianoRoll | None = None,
        melody: PianoRoll | None = None,
        seed: int | Sequence[int] = 0,
        **others: Any,
    ) -> AMTOutput:
        """Draw one 64-beat roll for each seed; the parameters are those of `stream`."""
        seeds, rolls = checked_seeds(seed), []
        for one in seeds:
            *_, last = self.stream(prompt, melody, one, **others)
            rolls.append(last.roll)
        return AMTOutput(rolls, seeds)

    def stream(
        self,
        prompt: PianoRoll | None = None,
        melody: PianoRoll | None = None,
        seed: int = 0,
        top_p: float = DEFAULT_TOP_P,
        tempo: float | None = None,
        time_signature: tuple[int, int] | None = None,
        composers: str | Sequence[str] | None = None,
        composer_weights: Sequence[float] | None = None,
        known: PianoRoll | KnownBeats | None = None,
        known_beats: Beats | None = None,
    ) -> Iterator[PartialSample]:
        """Draw a 64-beat roll; yields after each note, and at the end with ``done``.

        Parameters
        ----------
        prompt : PianoRoll, optional
            What came before; none of its notes is in the result.
        melody : PianoRoll, optional
            Notes to accompany; they are in the result. Beside known beats, notes that begin in the
            others.
        seed : int
            The same seed always gives the same notes.
        top_p : float
            Nucleus, above 0 and at most 1.
        tempo, time_signature : float and (int, int), optional
            Quarter notes a minute, and beats of a unit; those of the prompt or melody by default.
        composers, composer_weights : optional
            Whose manner to write in, as of `prism.models.settings.GenerationSettings`: some of
            `composers`; nobody's by default.
        known, known_beats : optional
            Beats of a roll that stay, as of `prism.models.pipeline.PrismPipeline`, in the place of
            a prompt; the others are filled in (see `prism.amt.infilling`).

        Raises
        ------
        ValueError
            If `seed`, `top_p` or `tempo` is out of range, or a composer is one the model does not
            know.
        """
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p: expected above 0 and at most 1, got {top_p!r}")
        if tempo is not None and not tempo > 0:
            raise ValueError(f"tempo: expected more than 0 beats a minute, got {tempo!r}")
        kept = None
        if known is not None or known_beats is not None:
            kept = KnownBeats.of(known, known_beats)
            kept.check_metre(time_signature)
            if prompt:
                raise SettingError("known", "no prompt beside it", "both")
        given = prompt or melody or (kept and kept.roll) or PianoRoll.empty(1, tempo=DEFAULT_TEMPO)
        properties = {
            "tempo": float(tempo or given.tempo),
            "time_signature": time_signature or tuple(given.time_signature),
        }
        label = self._label(composers, composer_weights)
        key = kept.key if kept else key_index(given)
        shift = normalising_shift(key) if self.model.config.key_normalised else 0
        choose = nucleus(top_p, torch.Generator().manual_seed(SETTINGS["seed"].check(seed)))
        if kept:
            return self._infilled(kept, melody, choose, properties, label, shift)
        return self._samples(prompt, melody, choose, properties, label, shift)

    @torch.no_grad()
    def _label(
        self, composers: str | Sequence[str] | None, weights: Sequence[float] | None
    ) -> torch.Tensor | None:
        """Weighted mean of the composers' rows, shape=(1, W); None for nobody's."""
        if composers is None:
            if weights is not None:
                raise SettingError("composers", "names with the weights", composers)
            return None
        if not self.composers:
            raise SettingError("composers", f"none, as {self.name} was told none", composers)
        mix = GenerationSettings(composers, weights).known_to(Offered(self.composers, {}))
        rows = [self.composers.index(name) for name in mix.composers]
        return torch.tensor([mix.composer_weights]) @ self.model.label.weight[rows]

    def _samples(
        self,
        prompt: PianoRoll | None,
        melody: PianoRoll | None,
        choose: Choose,
        properties: dict,
        label: torch.Tensor | None,
        shift: int,
    ) -> Iterator[PartialSample]:
        """Samples; the model works `shift` semitones above what is given and returned."""
        step = self.centiseconds_per_beat(properties["tempo"]) / FRAMES_PER_BEAT
        start = round(prompt.frames * step) if prompt else 0
        before, beside = (
            roll_events(roll.transposed(shift), step) if roll else events.no_events()
            for roll in (prompt, melody)
        )
        beside += [start, 0, 0]
        # As it was given: on its way some of it may have left the keyboard.
        kept = roll_events(melody, step) if melody else events.no_events()

        def build(notes: np.ndarray) -> PianoRoll:
            notes = notes - [start, 0, shift]
            return events_roll(np.concatenate([notes, kept]), step, **properties)

        end = start + round(FRAMES * step)
        controls = events.as_controls(beside)
        reader = CachedReader(self.model, label)
        written = generate(self.model, start, end, choose, before, controls, reader)
        return _grown(written, start, step, build)

    def _infilled(
        self,
        known: KnownBeats,
        melody: PianoRoll | None,
        choose: Choose,
        properties: dict,
        label: torch.Tensor | None,
        shift: int,
    ) -> Iterator[PartialSample]:
        """Samples as of `_samples`, of the beats that are not known."""
        step = self.centiseconds_per_beat(properties["tempo"]) / FRAMES_PER_BEAT
        kept = given_events(known, melody, step)

        def build(notes: np.ndarray) -> PianoRoll:
            notes = np.concatenate([kept, notes - [0, 0, shift]])
            return known.joined(events_roll(notes, step, **properties))

        written = infilled(self.model, known, shift, step, choose, label, melody)
        return _grown(written, 0, step, build)


def _grown(
    written: Iterable[np.ndarray],
    start: int,
    centiseconds_per_frame: float,
    build: Callable[[np.ndarray], PianoRoll],
) -> Iterator[PartialSample]:
    """A sample for each note of some events, of which `build` makes the roll."""
    drawn: list[np.ndarray] = []

    def first(count: int) -> PianoRoll:
        return build(np.reshape(drawn[:count], (-1, 3)).astype(np.int64))

    for event in written:
        if not events.is_rest(event[None])[0]:
            drawn.append(event)
            beats = (event[0] - start) / centiseconds_per_frame / FRAMES_PER_BEAT
            yield PartialSample(len(drawn), beats, False, first)
    yield PartialSample(len(drawn), float(BEATS), True, first)
