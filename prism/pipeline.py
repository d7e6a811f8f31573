"""PrismPipeline: composers, guidance and a seed in; piano rolls out."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import math
import operator
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from safetensors import SafetensorError

from prism.autoencoder import BeatAutoencoder, rolls_from_logits
from prism.dataset import regular_metre
from prism.diffusion import Step, compose_guidance, euler_steps, schedule
from prism.dit import PrismDiT
from prism.music import PianoRoll

MAXIMUM_GUIDANCE = 8.0
MAXIMUM_STEPS = 200
MAXIMUM_COMPOSERS = 4
TEMPO_RANGE = (20.0, 400.0)
SETTINGS_FILE = "prism.json"


class WeightsError(ValueError):
    """The weights folder is missing, incomplete or damaged; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One validated call: what to draw, without the seeds.

    Parameters
    ----------
    composers : tuple of str
        One or more labels.
    composer_weights : tuple of float
        One for each composer, summing to 1.
    guidance_scale : float
        0 ignores the composers, 1 is the plain conditional model.
    num_inference_steps : int
        Sampler steps.
    tempo : float or None
        Quarter notes a minute; None for the composers' own.
    time_signature : (int, int) or None
        None to draw one the composers used.
    """

    composers: tuple[str, ...]
    composer_weights: tuple[float, ...]
    guidance_scale: float
    num_inference_steps: int
    tempo: float | None
    time_signature: tuple[int, int] | None


@dataclasses.dataclass(frozen=True)
class PrismOutput:
    """What a call returns: one roll a seed, its latents (B, N, D), and what it was drawn from."""

    rolls: list[PianoRoll]
    latents: torch.Tensor
    seeds: tuple[int, ...]
    request: Request


@dataclasses.dataclass(frozen=True)
class Preview:
    """The state after one sampler step.

    Parameters
    ----------
    step, num_inference_steps : int
        Steps done, counted from 1, and steps in all.
    t : float
        Diffusion time reached, 1 (noise) to 0 (done).
    latents : Tensor, shape=(B, N, D)
        Clean estimate so far; at the last step the result.
    decode : callable
        Turns `latents` into rolls.
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
    autoencoder : BeatAutoencoder
        Latents ↔ rolls.
    dit : PrismDiT
        Predicts the flow of the latents.
    profiles : dict
        For each label, in the order of the transformer's label indices, what
        `prism.dataset.label_profiles` says of it.

    Examples
    --------
    >>> from prism.pipeline import PrismPipeline
    >>> pipe = PrismPipeline.from_pretrained("weights")
    >>> roll = pipe("Bach", guidance_scale=2.0, seed=7).rolls[0]
    """

    def __init__(
        self, autoencoder: BeatAutoencoder, dit: PrismDiT, profiles: dict[str, dict]
    ) -> None:
        if dit.config.labels != len(profiles):
            raise WeightsError(
                f"profiles: expected {dit.config.labels} labels as in the transformer, "
                f"got {len(profiles)}"
            )
        self.autoencoder = autoencoder.eval()
        self.dit = dit.eval()
        self.profiles = profiles

    @property
    def composers(self) -> list[str]:
        """The labels a call can name."""
        return list(self.profiles)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return self.dit.device

    def to(self, device: str | torch.device) -> PrismPipeline:
        """Move the networks."""
        self.autoencoder.to(device)
        self.dit.to(device)
        return self

    def save_pretrained(self, folder: str | pathlib.Path) -> None:
        """Write both networks (safetensors, half precision) and the settings into `folder`."""
        folder = pathlib.Path(folder)
        for name, network in (("autoencoder", self.autoencoder), ("dit", self.dit)):
            copy.deepcopy(network).half().save_pretrained(folder / name)
        text = json.dumps({"labels": self.profiles}, indent=2, ensure_ascii=False)
        (folder / SETTINGS_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def from_pretrained(cls, folder: str | pathlib.Path) -> PrismPipeline:
        """Load what `save_pretrained` wrote, in float32, on the GPU where there is one.

        Raises
        ------
        WeightsError
            If the folder or one of its files is missing, truncated or does not fit.
        """
        folder = pathlib.Path(folder)
        advice = "restore the folder from the repository or train it with: python train.py"
        if not (folder / SETTINGS_FILE).is_file():
            raise WeightsError(f"no Prism weights at {folder} ({SETTINGS_FILE} missing); {advice}")
        try:
            settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
            networks = [
                network.from_pretrained(
                    folder / name,
                    torch_dtype=torch.float32,
                    local_files_only=True,
                    low_cpu_mem_usage=False,  # True needs accelerate
                )
                for name, network in (("autoencoder", BeatAutoencoder), ("dit", PrismDiT))
            ]
            pipeline = cls(*networks, settings["labels"])
        except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
            raise WeightsError(f"weights in {folder} cannot be read ({error}); {advice}") from error
        return pipeline.to("cuda") if torch.cuda.is_available() else pipeline

    def __call__(
        self,
        composers: str | Sequence[str],
        composer_weights: Sequence[float] | None = None,
        guidance_scale: float = 2.0,
        num_inference_steps: int = 16,
        seed: int | Sequence[int] = 0,
        tempo: float | None = None,
        time_signature: tuple[int, int] | None = None,
        callback_on_step_end: Callable[[Preview], None] | None = None,
    ) -> PrismOutput:
        """Draw one 64-beat roll for each seed.

        Parameters
        ----------
        composers : str or sequence of str
            One to four of `composers`.
        composer_weights : sequence of float, optional
            One a composer, 0 or more, not all 0; scaled to sum to 1. Equal by default.
        guidance_scale : float
            0 to 8.
        num_inference_steps : int
            1 to 200 evaluations of the transformer.
        seed : int or sequence of int
            The same seed always gives the same notes, alone or among others.
        tempo : float, optional
            20 to 400 quarter notes a minute.
        time_signature : (int, int), optional
            Beats in a bar and beat unit.
        callback_on_step_end : callable, optional
            Called with a `Preview` after each step.

        Raises
        ------
        ValueError
            If an argument is out of its range; the message names it.
        """
        seeds = _checked_seeds(seed)
        request = self.request(
            composers, composer_weights, guidance_scale, num_inference_steps, tempo, time_signature
        )
        for preview in self._previews(request, seeds):
            if callback_on_step_end is not None:
                callback_on_step_end(preview)
        return PrismOutput(preview.rolls, preview.latents, seeds, request)

    def stream(
        self,
        composers: str | Sequence[str],
        composer_weights: Sequence[float] | None = None,
        guidance_scale: float = 2.0,
        num_inference_steps: int = 16,
        seed: int | Sequence[int] = 0,
        tempo: float | None = None,
        time_signature: tuple[int, int] | None = None,
    ) -> Iterator[Preview]:
        """Like a call, yielding a `Preview` after each step; the last one holds the result."""
        seeds = _checked_seeds(seed)
        request = self.request(
            composers, composer_weights, guidance_scale, num_inference_steps, tempo, time_signature
        )
        return self._previews(request, seeds)

    def request(
        self,
        composers: str | Sequence[str],
        composer_weights: Sequence[float] | None,
        guidance_scale: float,
        num_inference_steps: int,
        tempo: float | None,
        time_signature: tuple[int, int] | None,
    ) -> Request:
        """Validate a call's arguments; see `__call__`."""
        names = self._checked_composers(composers)
        low, high = TEMPO_RANGE
        return Request(
            names,
            _checked_weights(composer_weights, len(names)),
            _in_range("guidance_scale", guidance_scale, 0.0, MAXIMUM_GUIDANCE),
            int(_in_range("num_inference_steps", _integer("num_inference_steps",
                num_inference_steps), 1, MAXIMUM_STEPS)),
            None if tempo is None else _in_range("tempo", tempo, low, high),
            _checked_time_signature(time_signature),
        )  # fmt: skip

    def _checked_composers(self, composers: str | Sequence[str]) -> tuple[str, ...]:
        names = (composers,) if isinstance(composers, str) else tuple(composers)
        if not 1 <= len(names) <= MAXIMUM_COMPOSERS:
            raise ValueError(f"composers: expected 1 to {MAXIMUM_COMPOSERS}, got {len(names)}")
        unknown = [name for name in names if name not in self.profiles]
        if unknown:
            raise ValueError(
                f"composers: unknown {', '.join(map(repr, unknown))}; "
                f"choose from {', '.join(self.composers)}"
            )
        if len(set(names)) < len(names):
            raise ValueError(f"composers: each may be named once, got {', '.join(names)}")
        return names

    def _previews(self, request: Request, seeds: Sequence[int]) -> Iterator[Preview]:
        """Sample item by item on a CPU, all at once on a GPU.

        Matrix products round differently for different batch sizes; one item at a time makes a
        batch equal to its items to the last bit, and costs a CPU about a quarter of its speed.
        """
        size = 1 if self.device.type == "cpu" else len(seeds)
        groups = [seeds[i : i + size] for i in range(0, len(seeds), size)]
        properties = [[self._roll_properties(request, seed) for seed in g] for g in groups]

        def decode(latents: torch.Tensor) -> list[PianoRoll]:
            parts = zip(latents.split(size), properties, strict=True)
            return [roll for part in parts for roll in self.decode(*part)]

        streams = [self._steps(request, *group) for group in zip(groups, properties, strict=True)]
        for steps in zip(*streams, strict=True):
            clean = torch.cat([step.clean for step in steps])
            index, t = steps[0].index, steps[0].t
            yield Preview(index, request.num_inference_steps, t, clean, decode)

    def _steps(
        self, request: Request, seeds: Sequence[int], properties: list[dict]
    ) -> Iterator[Step]:
        shape = (self.dit.config.tokens, self.dit.config.latent_size)
        noise = [torch.randn(shape, generator=torch.Generator().manual_seed(s)) for s in seeds]
        metre = np.stack([regular_metre(p["time_signature"]) for p in properties])
        flow = self._flow(request, torch.from_numpy(metre).to(self.device))
        latents = torch.stack(noise).to(self.device)
        return euler_steps(flow, latents, schedule(request.num_inference_steps))

    def _flow(self, request: Request, metre: torch.Tensor) -> Callable:
        """The guided flow as a function of latents and t: K + 1 rows an item in one evaluation."""
        labels = [self.composers.index(name) for name in request.composers]
        labels.append(self.dit.null_label)
        rows, items = len(labels), len(metre)
        label_rows = torch.tensor(labels, device=self.device).repeat_interleave(items)
        metre_rows = metre.repeat(rows, 1, 1)
        weights = torch.tensor(request.composer_weights, device=self.device)

        @torch.inference_mode()
        def flow(latents: torch.Tensor, t: float) -> torch.Tensor:
            times = torch.full((rows * items,), t, device=self.device)
            flows = self.dit(latents.repeat(rows, 1, 1), times, label_rows, metre_rows)
            flows = flows.unflatten(0, (rows, items))
            return compose_guidance(flows[-1], flows[:-1], weights, request.guidance_scale)

        return flow

    @torch.inference_mode()
    def decode(self, latents: torch.Tensor, properties: list[dict]) -> list[PianoRoll]:
        """Latents (B, N, D) → rolls; `properties` are each roll's tempo and time signature."""
        return rolls_from_logits(self.autoencoder.decode(latents), properties)

    def _roll_properties(self, request: Request, seed: int) -> dict:
        """Tempo and time signature of one item; drawn by its seed where the caller left them."""
        rng = np.random.default_rng([seed, 2])
        composer = request.composers[rng.choice(len(request.composers), p=request.composer_weights)]
        choices = self.profiles[composer]["time_signatures"]
        share = np.array([row[2] for row in choices])
        drawn = choices[rng.choice(len(choices), p=share / share.sum())]
        tempos = [self.profiles[name]["tempo"] for name in request.composers]
        mean = math.exp(np.dot(request.composer_weights, np.log(tempos)))
        return {
            "tempo": round(mean, 1) if request.tempo is None else request.tempo,
            "time_signature": request.time_signature or (drawn[0], drawn[1]),
        }


def _integer(name: str, value: object) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{name}: expected a whole number, got {value!r}") from None


def _in_range(name: str, value: float, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def _checked_seeds(seed: int | Sequence[int]) -> tuple[int, ...]:
    seeds = tuple(seed) if isinstance(seed, (list, tuple, range)) else (seed,)
    if not seeds:
        raise ValueError("seed: expected at least one, got none")
    return tuple(int(_in_range("seed", _integer("seed", s), 0, 2**63 - 1)) for s in seeds)


def _checked_weights(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    values = [1.0] * count if weights is None else [float(w) for w in weights]
    if len(values) != count:
        raise ValueError(
            f"composer_weights: expected {count}, one a composer; got {len(values)}"
        )
    if not all(math.isfinite(w) and w >= 0 for w in values) or sum(values) == 0:
        raise ValueError(
            f"composer_weights: expected numbers of 0 or more, not all 0; got {values}"
        )
    return tuple(w / sum(values) for w in values)


def _checked_time_signature(signature: tuple[int, int] | None) -> tuple[int, int] | None:
    if signature is None:
        return None
    numerator, denominator = signature
    if not 1 <= numerator <= 32 or denominator not in (1, 2, 4, 8, 16, 32):
        raise ValueError(f"time_signature: expected like (3, 4) or (6, 8), got {signature!r}")
    return int(numerator), int(denominator)
