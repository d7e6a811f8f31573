"""What the experiment compares: the two models, real music, and the same notes at random.

Conventions
-----------
reference
    A window of a test piece by the run's composer; every system is compared with it.
prism
    One sample by Prism for the composer.
prism_teacher
    The same seed in `TEACHER_STEPS` steps. Only of a model with a student, which draws `prism`.
amt
    One by the baseline, which continues the opening of another held-out piece by the composer, and
    is told the composer if it can be.
amt_untold
    The same without being told, from the same seed. Only of a baseline that can be told: it was
    trained without the composer now and then. Of another, `amt` is this.
real
    A window of another held-out piece by the composer: the ceiling.
shuffled
    The notes of `real` at random times: the right notes, no rhythm.
noise
    As many notes as `real`, anywhere: the floor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from prism.amt.pipeline import AMTPipeline
from prism.amt.prompt import prompt_roll
from prism.corpora.dataset import another_sample, corpus_sample, prompt_sample
from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.models.student import TEACHER_STEPS
from prism.music.roll import PianoRoll
from prism.similarity.bands import noise, shuffled

REFERENCE = "reference"
DRAWN = ("prism", "prism_teacher", "amt", "amt_untold")
SYSTEMS = (*DRAWN, "real", "shuffled", "noise")


@dataclasses.dataclass(frozen=True)
class Run:
    """One run's composer and seed; it decides every system's roll."""

    number: int
    composer: str
    seed: int


def planned_runs(composers: list[str], count: int, seed: int) -> list[Run]:
    """Random composers, each as often as the others, give or take one.

    The first runs of a longer plan are those of a shorter one.
    """
    rng = np.random.default_rng([seed, 0])
    names: list[str] = []
    while len(names) < count:
        names += [composers[i] for i in rng.permutation(len(composers))]
    # Far apart, so that two experiments with different seeds share none of their samples; a prime
    # below the end of the seeds' range, so that no two of them begin alike.
    seeds = [(seed * 1_000_000 + i) % (2**31 - 1) for i in range(count)]
    return [Run(i, names[i], seeds[i]) for i in range(count)]


@dataclasses.dataclass(frozen=True)
class Systems:
    """Draws a roll from each system, by the models (or callables like them) and held-out pieces.

    Parameters
    ----------
    told : collection of str
        The composers that the baseline can be told.
    untold : bool
        Draw `amt_untold` too, which takes as long as `amt`.
    together : callable, optional
        Draws several samples of the baseline at once, from the prompts, seeds and composers of as
        many calls; one after the other by default.
    """

    prism: PrismPipeline
    amt: AMTPipeline
    corpus: Corpus
    told: Collection[str] = ()
    untold: bool = False
    together: Callable[[list[dict[str, Any]]], list[PianoRoll]] | None = None

    @property
    def names(self) -> list[str]:
        """Those of `SYSTEMS` that are drawn."""
        without = set() if self.untold and self.told else {"amt_untold"}
        if getattr(self.prism, "student", None) is None:
            without.add("prism_teacher")
        return [name for name in SYSTEMS if name not in without]

    def reference(self, run: Run) -> PianoRoll:
        """The held-out window that the run is about."""
        return corpus_sample(self.corpus, [run.composer], run.seed).roll

    def draw(self, run: Run) -> dict[str, PianoRoll]:
        """A roll from each of `names`."""
        return self.draw_all([run])[0]

    def draw_all(self, runs: Sequence[Run]) -> list[dict[str, PianoRoll]]:
        """The same of several runs."""
        baselines = [name for name in self.names if name in ("amt", "amt_untold")]
        calls = [call for run in runs for call in self._calls(run, baselines)]
        if self.together:
            written = iter(self.together(calls))
        else:
            written = (
                self.amt(c["prompt"], seed=c["seed"], composers=c["composers"]).rolls[0]
                for c in calls
            )
        return [
            self._prism(run) | {name: next(written) for name in baselines} | self._others(run)
            for run in runs
        ]

    def _prism(self, run: Run) -> dict[str, PianoRoll]:
        rolls = {"prism": self.prism(run.composer, seed=run.seed).rolls[0]}
        if "prism_teacher" in self.names:
            finer = self.prism(run.composer, seed=run.seed, num_inference_steps=TEACHER_STEPS)
            rolls["prism_teacher"] = finer.rolls[0]
        return rolls

    def _calls(self, run: Run, baselines: Sequence[str]) -> list[dict[str, Any]]:
        """Of the baseline, told or not: all continue the same opening."""
        window = corpus_sample(self.corpus, [run.composer], run.seed)
        call = {
            "prompt": prompt_roll(prompt_sample(self.corpus, window, run.seed)),
            "seed": run.seed,
        }
        told = {"amt": [run.composer]} if run.composer in self.told else {}
        return [call | {"composers": told.get(name)} for name in baselines]

    def _others(self, run: Run) -> dict[str, PianoRoll]:
        """What no model makes."""
        window = corpus_sample(self.corpus, [run.composer], run.seed)
        real = another_sample(self.corpus, window, run.seed).roll
        rng = np.random.default_rng([run.seed, 4])
        return {"real": real, "shuffled": shuffled(real, rng), "noise": noise(real, rng)}
