"""Every setting that changes what is learnt, as frozen dataclasses; see `presets`.

A `seed` is of initial weights, data order, noise and dropout.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class StageRecipe:
    """How one network is trained.

    Parameters
    ----------
    steps, batch_size, evaluate_every : int
        Optimiser steps, windows a step, and steps between evaluations.
    learning_rate : float
        Peak rate; reached linearly over `warmup_steps`, held, then led to 0 linearly over the
        last `decay_share` of the steps.
    weight_decay, beta2, gradient_clip : float
        Of AdamW, and the largest gradient norm.
    ema_decay : float
        Of the exponential moving average that is evaluated and shipped.
    precision : str
        ``"float32"``, or ``"bfloat16"`` for mixed precision: matrix products are rounded, weights
        and their updates are not. A processor without such products multiplies in float32.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int = 200
    decay_share: float = 0.4
    weight_decay: float = 0.01
    beta2: float = 0.95
    gradient_clip: float = 1.0
    ema_decay: float = 0.9995
    evaluate_every: int = 1000
    precision: str = "float32"


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A run of Prism: its stages and what they share.

    Parameters
    ----------
    autoencoder, dit : StageRecipe
        The stages; None for an autoencoder that stays as it is in `start`.
    start : str
        Weights to begin with, a folder relative to Prism's own; see `prism.training.beginning`.
    size : str
        A key of `prism.models.dit.SIZES`.
    latent_size, hidden_size, latent_noise
        Of the autoencoder, and the standard deviation of the noise on its latents in training.
    null_label_share, unknown_metre_share : float
        How often the label is dropped, so that the transformer learns guidance's other half, and
        how often the metre.
    attributes, drawn_attributes : tuple of str
        Conditions besides labels (see `prism.music.attributes`), and those that a sampler draws as
        often as they occur when none is given.
    open_attributes_share, open_attribute_share : float
        How often all attributes are dropped, and each of the others. With a dropped label half of
        the windows lose all of them, so that guidance's other half is learnt too.
    self_conditioning_share : float
        In how many steps the transformer is given its own first estimate of the data (Chen et al.
        2022), at the cost of one more forward pass; 0 makes one without self-conditioning.
    key_normalised : bool
        Whether windows are moved to C major or A minor, told their own key, and samples to theirs.
    form_share : float
        How often form letters are told (see `prism.music.form`); 0 for a model without.
    known_share : float
        How often some of the beats are known: their clean latents are given as the estimate, and
        only the others count in the loss.
    t_mean : float
        Of the logit of the diffusion times drawn.
    label_power : float
        See `prism.corpora.dataset.WindowSampler`.
    dropout : float
        Of the transformer.
    """

    autoencoder: StageRecipe | None
    dit: StageRecipe
    start: str = ""
    size: str = "mini"
    latent_size: int = 48
    hidden_size: int = 512
    latent_noise: float = 0.2
    null_label_share: float = 0.1
    unknown_metre_share: float = 0.05
    attributes: tuple[str, ...] = ()
    open_attributes_share: float = 0.3
    open_attribute_share: float = 0.3
    drawn_attributes: tuple[str, ...] = ()
    self_conditioning_share: float = 0.0
    key_normalised: bool = False
    form_share: float = 0.0
    known_share: float = 0.0
    t_mean: float = 0.0
    label_power: float = 0.5
    dropout: float = 0.0
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class AMTRecipe:
    """A run of the baseline.

    Parameters
    ----------
    amt : StageRecipe
        Its windows are sequences of 1,024 tokens.
    start : str
        As of `Recipe`.
    size : str
        A key of `prism.amt.model.SIZES`.
    centiseconds_per_frame : int
        Length of a roll's frame in the tokens' time; all music is written at this one tempo.
    span_share, random_share, melody_share : float
        How often, instead of nothing, a span of time, scattered notes, or the top line are given
        as controls (Thickstun et al. 2023, section 3.2, with the melody for an instrument).
    label_dropout : float, optional
        How often the composer is left out; None for a model that is never told one.
    key_normalised : bool
        Whether pieces are moved to C major or A minor, instead of anywhere.
    dropout : float
        Of embeddings and of what attention and MLP add.
    """

    amt: StageRecipe
    start: str = ""
    size: str = "mini"
    centiseconds_per_frame: int = 10
    span_share: float = 0.1
    random_share: float = 0.1
    melody_share: float = 0.2
    label_dropout: float | None = None
    key_normalised: bool = False
    dropout: float = 0.0
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class SimilarityRecipe:
    """A run of the network that tells composers apart.

    `smoothing` is the share of each label's weight given to all labels alike, `nonsense_share` how
    often a window's notes are put at random times or anywhere, as a class of its own.
    """

    similarity: StageRecipe
    width: int = 32
    smoothing: float = 0.05
    nonsense_share: float = 0.15
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class StudentRecipe:
    """A run of the few-step student; see `prism.models.student`.

    `teacher` is where Prism's weights are, `rank` that of the adapters, and `teacher_steps` a
    multiple of the student's.
    """

    student: StageRecipe
    teacher: str = "weights"
    rank: int = 48
    teacher_steps: int = 16
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class OriginalRecipe:
    """A run of the original's route; see `prism.models.original`.

    Parameters
    ----------
    dit : StageRecipe
        Its `steps` follow from the epochs and the corpus.
    autoencoder : str
        A folder, or a repository on the Hub, with an ``AutoencoderKL``.
    size : str
        A key of `prism.models.original.SIZES`.
    patch_size : int
        In cells of the latents.
    null_label_share : float
        How often the label is dropped.
    sample_steps : int
        Of the samples drawn at an evaluation.
    """

    dit: StageRecipe
    autoencoder: str = "stabilityai/sd-vae-ft-ema"
    size: str = "large"
    patch_size: int = 4
    epochs: int = 32
    null_label_share: float = 0.1
    sample_steps: int = 50
    seed: int = 0


AnyRecipe = Recipe | AMTRecipe | SimilarityRecipe | StudentRecipe | OriginalRecipe


def stages_of(recipe: AnyRecipe) -> dict[str, StageRecipe]:
    """The stages' recipes in the order of training, with the names of the recipe's own fields."""
    fields = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    return {name: value for name, value in fields.items() if isinstance(value, StageRecipe)}


def main_stage(recipe: AnyRecipe) -> str:
    """The name of the stage that a run is about: the transformer's, if it has one."""
    names = list(stages_of(recipe))
    return "dit" if "dit" in names else names[-1]


def with_rate(recipe: AnyRecipe, learning_rate: float) -> AnyRecipe:
    """The same with another learning rate of its main stage; raises ValueError unless above 0."""
    if not learning_rate > 0:
        raise ValueError(f"--learning-rate: expected more than 0, got {learning_rate}")
    name = main_stage(recipe)
    changed = dataclasses.replace(stages_of(recipe)[name], learning_rate=learning_rate)
    return dataclasses.replace(recipe, **{name: changed})
