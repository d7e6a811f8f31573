"""In what shares the composers are mixed: one bar with a boundary between every two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prism.models.settings import SETTINGS
from prism.ui.element import Element

# The mixer's value once other composers are chosen: who stays keeps the weight, who comes gets the
# mean of those.
FOLLOW = """(composers, mix) => {
    const weights = composers.map(name => mix.weights[mix.composers.indexOf(name)]);
    const kept = weights.filter(weight => weight !== undefined);
    const sum = kept.reduce((sum, weight) => sum + weight, 0);
    const mean = sum ? Math.round(sum / kept.length) : mix.equal;
    return { ...mix, composers, weights: weights.map(w => (sum ? w ?? mean : mean)) };
}"""


class Mixer(Element):
    """Shares of two to four composers as one bar with boundaries to drag; its value is `mix_value`.

    Its ``input`` event says that the visitor has moved a boundary.
    """

    asset = "page/mixer"


def mix_value(
    composers: Sequence[str] = (), weights: Sequence[float] = (), known: Sequence[str] = ()
) -> dict[str, Any]:
    """The mixer's value; a composer's colour comes from its place among the `known`."""
    return {
        "composers": list(composers),
        "weights": list(weights),
        "known": list(known),
        "equal": SETTINGS["composer_weights"].default,
    }
