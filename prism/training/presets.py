"""All that can be trained, by name, and a run's settings in one piece."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable

from prism.training.execution import Execution
from prism.training.recipe import (
    AMT_PRESETS,
    ORIGINAL_PRESETS,
    PRESETS,
    SIMILARITY_PRESETS,
    AMTRecipe,
    OriginalRecipe,
    Recipe,
    SimilarityRecipe,
    StageRecipe,
)
from prism.training.run import train, train_amt, train_original, train_similarity

AnyRecipe = Recipe | AMTRecipe | SimilarityRecipe | OriginalRecipe
MODELS: dict[str, dict[str, AnyRecipe]] = {
    "prism": PRESETS | ORIGINAL_PRESETS,
    "amt": AMT_PRESETS,
    "similarity": SIMILARITY_PRESETS,
}
_RUNS = {
    Recipe: train,
    AMTRecipe: train_amt,
    SimilarityRecipe: train_similarity,
    OriginalRecipe: train_original,
}


def chosen(model: str, preset: str) -> AnyRecipe:
    """A preset's recipe.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    presets = MODELS[model]
    if preset not in presets:
        raise ValueError(f"--preset: expected one of {', '.join(presets)}; got {preset!r}")
    return presets[preset]


def run_of(recipe: AnyRecipe) -> Callable:
    """The function that trains by this recipe."""
    return _RUNS[type(recipe)]


def stages_of(recipe: AnyRecipe) -> dict[str, StageRecipe]:
    """The stages' recipes in the order of training, with the names of the recipe's own fields."""
    fields = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(recipe)}
    return {name: value for name, value in fields.items() if isinstance(value, StageRecipe)}


def main_stage(recipe: AnyRecipe) -> str:
    """The name of the stage that a run is about: the transformer's, if it has one."""
    names = list(stages_of(recipe))
    return "dit" if "dit" in names else names[-1]


def with_rate(recipe: AnyRecipe, learning_rate: float) -> AnyRecipe:
    """The same with another learning rate of its main stage.

    Raises
    ------
    ValueError
        If the rate is not above 0.
    """
    if not learning_rate > 0:
        raise ValueError(f"--learning-rate: expected more than 0, got {learning_rate}")
    name = main_stage(recipe)
    changed = dataclasses.replace(stages_of(recipe)[name], learning_rate=learning_rate)
    return dataclasses.replace(recipe, **{name: changed})


def printed(recipe: AnyRecipe, execution: Execution, **others: str) -> str:
    """Every setting of a run as JSON."""
    execution_settings = dataclasses.asdict(execution)
    del execution_settings["deadline"]
    settings = {**others, "recipe": dataclasses.asdict(recipe), "execution": execution_settings}
    return json.dumps(settings, indent=1, ensure_ascii=False)
