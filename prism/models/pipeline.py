"""PrismPipeline: composers, guidance and a seed in; piano rolls out."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

from prism.corpora.dataset import roll_tensor
from prism.models.autoencoder import BeatAutoencoder, rolls_from_logits
from prism.models.conditions import Conditions
from prism.models.diffusion import euler_steps, schedule
from prism.models.dit import PrismDiT
from prism.models.edits import PRISM
from prism.models.guidance import GuidedFlow
from prism.models.hub import WeightsError, find_weights, read_network, reading
from prism.models.known import Beats, KnownBeats
from prism.models.noise import drawn_seeds, noise_of, shared_noise
from prism.models.setting_types import Offered, SettingError
from prism.models.settings import GenerationSettings, checked_seeds
from prism.models.student import STUDENT_FILE, STUDENT_STEPS, TEACHER_STEPS, Student, StudentFlow
from prism.music.attributes import COLLECTION, attribute_values, normalising_shift
from prism.music.roll import BEATS, PianoRoll
from prism.music.writing import write_json

SETTINGS_FILE, STUDENT_FOLDER = "prism.json", "student"
Callback = Callable[["PrismPipeline", int, float, dict[str, torch.Tensor]], dict[str, torch.Tensor]]


@dataclasses.dataclass(frozen=True)
class PrismOutput:
    """What a call returns: one roll a seed, its latents (B, N, D), and what it was drawn from."""

    rolls: list[PianoRoll]
    latents: torch.Tensor
    seeds: tuple[int, ...]
    settings: GenerationSettings


@dataclasses.dataclass(frozen=True)
class Preview:
    """The state after one sampler step.

    Parameters
    ----------
    step, num_inference_steps : int
        Steps done and steps in all.
    t : float
        Diffusion time reached, 1 (noise) to 0 (done).
    latents : Tensor, shape=(B, N, D)
        Clean estimate so far; at the last step the result. `decode` turns them into rolls.
    """

    step: int
    num_inference_steps: int
    t: float
    latents: torch.Tensor
    decode: Callable[[torch.Tensor], list[PianoRoll]]

    @functools.cached_property
    def rolls(self) -> list[PianoRoll]:
        """`latents` as rolls, decoded when first asked for."""
        return self.decode(self.latents)


class PrismPipeline:
    """Joins the autoencoder, the transformer and the sampler.

    Parameters
    ----------
    profiles : dict
        For each label, in the order of the transformer's label indices, what
        `prism.corpora.dataset.label_profiles` says of it.
    collections : sequence of str
        Those that a transformer with that attribute can be asked for, in the order of indices.
    key_normalised : bool
        Whether the transformer draws everything in C major or A minor, told the key that its music
        is moved to after decoding.

    Examples
    --------
    >>> pipe = PrismPipeline.from_pretrained("weights")
    >>> roll = pipe("Bach", guidance_scale=2.0, seed=7).rolls[0]
    """

    def __init__(
        self,
        autoencoder: BeatAutoencoder,
        dit: PrismDiT,
        profiles: dict[str, dict],
        collections: Sequence[str] = (),
        key_normalised: bool = False,
        student: Student | None = None,
    ) -> None:
        if dit.config.labels != len(profiles):
            raise WeightsError(
                f"profiles: expected {dit.config.labels} labels as in the transformer, "
                f"got {len(profiles)}"
            )
        asked = (dit.config.attributes or {}).get(COLLECTION, 0)
        if asked != len(collections):
            raise WeightsError(
                f"collections: expected {asked} as in the transformer, got {len(collections)}"
            )
        self.autoencoder, self.dit = autoencoder.eval(), dit.eval()
        self.profiles = profiles
        self.collections = tuple(collections)
        self.key_normalised = key_normalised
        self.student = student

    @property
    def composers(self) -> list[str]:
        """The labels a call can name."""
        return list(self.profiles)

    @property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """What else a call can ask for, with all values; a model may know none."""
        return attribute_values(self.dit.attribute_names, self.collections)

    @property
    def conditions(self) -> Conditions:
        """What the transformer is told: a function of settings, a seed and known beats."""
        null = zip(self.dit.attribute_names, self.dit.null_attributes.tolist(), strict=True)
        return Conditions(self.profiles, self.attributes, dict(null))

    @property
    def offered(self) -> Offered:
        """What a call can ask for."""
        return Offered(self.composers, self.attributes, bool(self.dit.config.letters))

    @property
    def device(self) -> torch.device:
        return self.dit.device

    def to(self, device: str | torch.device) -> PrismPipeline:
        self.autoencoder.to(device)
        self.dit.to(device)
        if self.student is not None:
            self.student.dit.to(device)
        return self

    def save_pretrained(self, folder: str | pathlib.Path, max_shard_size: str = "10GB") -> None:
        """Write both networks (safetensors, half precision) and the settings into `folder`.

        Files larger than `max_shard_size`, such as ``"15MB"``, are cut.
        """
        folder = pathlib.Path(folder)
        for name, network in (("autoencoder", self.autoencoder), ("dit", self.dit)):
            copy.deepcopy(network).half().save_pretrained(
                folder / name, max_shard_size=max_shard_size
            )
        if self.student is not None:
            (folder / STUDENT_FOLDER).mkdir(exist_ok=True)
            self.student.save(folder / STUDENT_FOLDER)
        settings = {
            "labels": self.profiles,
            "collections": self.collections,
            "key_normalised": self.key_normalised,
        }
        write_json(folder / SETTINGS_FILE, settings, indent=2)

    @classmethod
    def from_pretrained(
        cls, folder: str | pathlib.Path, with_student: bool = True
    ) -> PrismPipeline:
        """Load what `save_pretrained` wrote, in float32, on the GPU where there is one.

        `folder` may also be a repository on the Hugging Face Hub; see `prism.models.hub`. A student
        there is taken along unless it is not wanted, as where it is about to be trained anew.
        Raises WeightsError if the folder or one of its files is missing, truncated or does not fit.
        """
        folder = find_weights(folder)
        advice = "restore the folder, or make it with prism train, or prism build for a bundle"
        with reading(folder, SETTINGS_FILE, "Prism weights", advice):
            settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
            pipeline = cls(
                read_network(BeatAutoencoder, folder / "autoencoder"),
                read_network(PrismDiT, folder / "dit"),
                settings["labels"],
                settings.get("collections", ()),
                settings.get("key_normalised", False),
            )
            if with_student and (folder / STUDENT_FOLDER / STUDENT_FILE).is_file():
                pipeline.student = Student.load(folder / STUDENT_FOLDER, pipeline.dit)
        return pipeline.to("cuda") if torch.cuda.is_available() else pipeline

    def __call__(
        self,
        composers: str | Sequence[str],
        composer_weights: Sequence[float] | None = None,
        *,
        seed: int | Sequence[int] = GenerationSettings.seed,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        callback_on_step_end: Callback | None = None,
        known: PianoRoll | None = None,
        known_beats: Beats | None = None,
        **settings: Any,
    ) -> PrismOutput:
        """Draw one 64-beat roll for each seed.

        Parameters
        ----------
        composers, composer_weights, **settings
            Those of `prism.models.settings.GenerationSettings`, such as ``guidance_scale``,
            ``num_inference_steps``, ``tempo`` or ``key``, with their defaults and ranges.
        seed : int or sequence of int
            The same seed always gives the same notes, alone or among others.
        generator : torch.Generator or sequence of them, optional
            Each draws a seed, instead of `seed`.
        latents : Tensor, shape=(B, N, D), optional
            Noise to start from, one item a seed; drawn by the seeds by default.
        callback_on_step_end : callable, optional
            As in diffusers: called after each step with the pipeline, the step's index (from 0),
            the diffusion time reached (1 to 0) and ``{"latents": Tensor}``, which it returns; it
            may put other latents there to go on with.
        known, known_beats : PianoRoll and slice, mask or sequence of int, optional
            Beats (all, if nothing is said) of a roll that stay as they are; the others are drawn to
            them, in their metre, at their tempo and, if none is asked for, in their key.

        Raises
        ------
        ValueError
            If an argument is out of its range; the message names it.
        """
        seeds = checked_seeds(seed) if generator is None else drawn_seeds(generator)
        chosen = GenerationSettings(composers, composer_weights, seed=seeds[0], **settings)
        *_, last = self.stream(chosen, seeds, latents, callback_on_step_end, known, known_beats)
        return PrismOutput(last.rolls, last.latents, seeds, chosen)

    def stream(
        self,
        settings: GenerationSettings,
        seeds: Sequence[int] = (),
        latents: torch.Tensor | None = None,
        callback_on_step_end: Callback | None = None,
        known: PianoRoll | KnownBeats | None = None,
        known_beats: Beats | None = None,
    ) -> Iterator[Preview]:
        """Like a call, yielding a `Preview` after each step; the last one holds the result.

        `seeds` are the settings' own by default, and known beats may be of a key of their own.
        """
        self._check(settings.known_to(self.offered))
        if known is not None or known_beats is not None:
            known = KnownBeats.of(known, known_beats)
            known.check_metre(settings.time_signature)
        seeds = seeds or (settings.seed,)
        if settings.redraw:
            return self._redrawn(settings, seeds, latents, callback_on_step_end, known)
        kept = [] if known is None else [known] * len(seeds)
        seeds = [settings.drawn_from(seed) for seed in seeds]
        return self._previews(settings, seeds, latents, callback_on_step_end, kept)

    def _check(self, settings: GenerationSettings) -> None:
        """Raise `SettingError` for what one drawing of this model's cannot be."""
        other = next((edit for edit in settings.edits if edit.by != PRISM), None)
        here = "here, see prism.amt.studio"
        if other is not None:
            raise SettingError("redraw", f"bars that Prism draws {here}", str(other))
        if settings.keep is not None:
            raise SettingError("keep", f"nothing {here}, or known and known_beats", settings.keep)
        if settings.beats != BEATS:
            raise SettingError("beats", f"{BEATS} {here}", settings.beats)

    def _redrawn(
        self,
        settings: GenerationSettings,
        seeds: Sequence[int],
        latents: torch.Tensor | None,
        callback: Callback | None,
        known: KnownBeats | None,
    ) -> Iterator[Preview]:
        """The last edit's previews, after all before it has been drawn."""
        *before, edit = settings.edits
        settings = settings.with_edits(before)
        if known is not None and known.frames.all() and not before:
            rolls = [known.roll] * len(seeds)
        else:
            *_, last = self.stream(settings, seeds, latents, known=known)
            rolls = last.rolls
        kept = [KnownBeats.all_but(roll, edit.first, edit.last) for roll in rolls]
        yield from self._previews(settings, [edit.seed] * len(seeds), None, callback, kept)

    def _previews(
        self,
        settings: GenerationSettings,
        seeds: Sequence[int],
        latents: torch.Tensor | None,
        callback: Callback | None,
        known: Sequence[KnownBeats],
    ) -> Iterator[Preview]:
        """Sample item by item on a CPU, all at once on a GPU; `known` is one an item or none.

        Matrix products round differently for different batch sizes; one item at a time makes a
        batch equal to its items to the last bit, and costs a CPU about a quarter of its speed.
        """
        size = 1 if self.device.type == "cpu" else len(seeds)
        around = known or [None] * len(seeds)
        items = [self.conditions(settings, *one) for one in zip(seeds, around, strict=True)]
        properties, *conditions = zip(*items, strict=True)
        if latents is None:
            told = zip(seeds, items, strict=True)
            latents = torch.stack(
                [
                    self._noise(settings, seed, metre, letters)
                    for seed, (_, metre, _, letters) in told
                ]
            )
        noise = latents.to(self.device)
        metre, attributes, letters = (torch.stack(rows).to(self.device) for rows in conditions)
        shifts = [self._shift(row) for row in attributes]

        def decode(latents: torch.Tensor) -> list[PianoRoll]:
            rolls = []
            for i in range(0, len(seeds), size):
                rolls += self.decode(latents[i : i + size], properties[i : i + size])
            rolls = [roll.transposed(n) for roll, n in zip(rolls, shifts, strict=True)]
            return [
                roll if own is None else own.joined(roll)
                for own, roll in zip(around, rolls, strict=True)
            ]

        labels = [self.composers.index(name) for name in settings.composers]
        flow_of, dit, steps = self._sampler(settings)
        times = schedule(steps)
        groups = [rows.split(size) for rows in (noise, metre, attributes, letters)]
        flows = [flow_of(dit, settings, labels, *told) for _, *told in zip(*groups, strict=True)]
        if known:
            held = (rows.split(size) for rows in self._held(known, shifts))
            for flow, x_t, mask, data in zip(flows, groups[0], *held, strict=True):
                flow.hold(mask, data, x_t)
        streams = [
            euler_steps(flow, x_t, times) for flow, x_t in zip(flows, groups[0], strict=True)
        ]
        for states in zip(*streams, strict=True):
            index, t = states[0].index, states[0].t
            if callback is not None:
                held = {"latents": torch.cat([state.x_t for state in states])}
                held = callback(self, index - 1, t, held)
                for state, part in zip(states, held["latents"].split(size), strict=True):
                    state.replace(part)
            clean = torch.cat([state.clean for state in states])
            yield Preview(index, steps, t, clean, decode)

    def _sampler(
        self, settings: GenerationSettings
    ) -> tuple[type[GuidedFlow | StudentFlow], PrismDiT, int]:
        """What draws, in how many steps: the student where it was trained for these settings.

        It was not trained around known beats, but draws there as well as the teacher
        (docs/experiments.md, 2026-11-30). Where there is none, and with settings that it does not
        know, the teacher draws in as many steps as it needs.
        """
        if settings.num_inference_steps != STUDENT_STEPS:
            return GuidedFlow, self.dit, settings.num_inference_steps
        if self.student is None or not self.student.knows(settings):
            return GuidedFlow, self.dit, TEACHER_STEPS
        return StudentFlow, self.student.dit, settings.num_inference_steps

    def steps_taken(self, settings: GenerationSettings) -> int:
        """In how many steps these settings are drawn."""
        return self._sampler(settings)[2]

    def _noise(
        self, settings: GenerationSettings, seed: int, metre: torch.Tensor, letters: torch.Tensor
    ) -> torch.Tensor:
        """One item's, (N, D); bars of one letter of a form that is asked for have the same."""
        noise = noise_of(seed, (self.dit.config.tokens, self.dit.config.latent_size))
        return noise if settings.form is None else shared_noise(noise, letters, metre)

    @torch.inference_mode()
    def _held(
        self, known: Sequence[KnownBeats], shifts: Sequence[int]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Which beats are known, (B, N), and their latents, (B, N, D), where the model draws."""
        moved = [own.roll.transposed(-n) for own, n in zip(known, shifts, strict=True)]
        mask = torch.from_numpy(np.stack([own.mask for own in known]))
        data = [self.autoencoder.encode(roll_tensor(r)[None].to(self.device)) for r in moved]
        return mask.to(self.device), torch.cat(data)

    def _shift(self, attributes: torch.Tensor) -> int:
        """Semitones from where the transformer draws to one item's key, asked for or drawn."""
        if not self.key_normalised:
            return 0
        return -normalising_shift(int(attributes[self.dit.attribute_names.index("key")]))

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor, properties: list[dict]) -> list[PianoRoll]:
        """Latents (B, N, D) → rolls; `properties` are each roll's tempo and time signature."""
        return rolls_from_logits(self.autoencoder.decode(latents), properties)
