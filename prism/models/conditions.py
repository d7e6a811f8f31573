"""What the transformer is told of one item: metre, attributes and form letters."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch

from prism.models.known import KnownBeats
from prism.models.settings import GenerationSettings
from prism.music.attributes import repetition_of
from prism.music.form import form_letters, plan_repetition, planned_letters
from prism.music.windows import regular_metre


@dataclasses.dataclass(frozen=True)
class Conditions:
    """From settings and a seed to what the transformer is told.

    Parameters
    ----------
    profiles : dict
        Of each label what `prism.corpora.dataset.label_profiles` says of it.
    attributes : dict
        Of each attribute its values, in the order of their indices.
    null : dict
        Of each attribute that the transformer knows, in its order, the index that leaves it open.
    """

    profiles: dict[str, dict]
    attributes: dict[str, tuple[str, ...]]
    null: dict[str, int]

    def __call__(
        self, settings: GenerationSettings, seed: int, known: KnownBeats | None = None
    ) -> tuple[dict, torch.Tensor, torch.Tensor, torch.Tensor]:
        """One item's tempo and time signature, metre (N, 2), attributes (A,) and letters (N,).

        What the settings leave open, the seed draws from the profile of a composer that it draws.
        """
        rng = np.random.default_rng([seed, 2])
        names, weights = settings.composers, settings.composer_weights
        profile = self.profiles[names[rng.choice(len(names), p=weights)]]
        choices = profile["time_signatures"]
        share = np.array([row[2] for row in choices])
        beats, unit, _ = choices[rng.choice(len(choices), p=share / share.sum())]
        mean = math.exp(np.dot(weights, np.log([self.profiles[name]["tempo"] for name in names])))
        properties = {
            "tempo": round(mean, 1) if settings.tempo is None else settings.tempo,
            "time_signature": settings.time_signature or (beats, unit),
        }
        metre = regular_metre(properties["time_signature"])
        attributes = self._attribute_indices(settings, seed, profile)
        letters = np.zeros(len(metre), np.int64)
        if known is None:
            letters = self._letters(settings, seed, profile, metre)
        else:  # a drawn plan is not its plan
            metre = known.metre
            tempo = known.roll.tempo if settings.tempo is None else settings.tempo
            properties = known.roll.properties | {"tempo": tempo}
            attributes = self._in_key(attributes, settings, known)
        if settings.form is not None:
            letters = form_letters(settings.form, metre)
        return properties, torch.tensor(metre), attributes, torch.from_numpy(letters)

    def _attribute_indices(
        self, settings: GenerationSettings, seed: int, profile: dict
    ) -> torch.Tensor:
        """As asked for, or drawn by the profile's shares; open where it has none."""
        rng = np.random.default_rng([seed, 3])
        shares = profile.get("attributes", {})
        chosen = {name: int(rng.choice(len(share), p=share)) for name, share in shares.items()}
        for name, value in settings.attributes.items():
            chosen[name] = self.attributes[name].index(value)
        indices = [chosen.get(name, null) for name, null in self.null.items()]
        return torch.tensor(indices, dtype=torch.int64)

    def _in_key(
        self, attributes: torch.Tensor, settings: GenerationSettings, known: KnownBeats
    ) -> torch.Tensor:
        """The attributes with the key of what is known, unless it is silent or another is asked."""
        told = attributes.clone()
        if "key" in self.null and settings.key is None and known.sounds:
            told[list(self.null).index("key")] = (
                self.null["key"] if known.key is None else known.key
            )
        return told

    def _letters(
        self, settings: GenerationSettings, seed: int, profile: dict, metre: np.ndarray
    ) -> np.ndarray:
        """Form letters of one of the profile's plans, with the repetition if one is asked for.

        No letters where there is no such plan.
        """
        plans = profile.get("plans", {}).get(str(int(metre[0, 0])), [])
        if settings.repetition is not None:
            wanted = self.attributes["repetition"].index(settings.repetition)
            plans = [p for p in plans if repetition_of(plan_repetition(p)) == wanted]
        if not plans:
            return np.zeros(len(metre), np.int64)
        plan = plans[np.random.default_rng([seed, 4]).integers(len(plans))]
        return planned_letters(plan, metre)
