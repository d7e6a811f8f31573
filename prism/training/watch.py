"""Tells when a loss spirals: the authors of the original saw it, and trained on for hours."""

from __future__ import annotations

import dataclasses

SMOOTHING = 0.98
SPIRAL_FACTOR = 3.0
# Below this the state is worth keeping should the loss spiral later.
CALM_FACTOR = 1.5
# One odd batch may count for so many times the running mean and no more.
_SPIKE_FACTOR = 10.0


@dataclasses.dataclass
class LossWatch:
    """The running mean of a loss, and the best it has been.

    Parameters
    ----------
    average : float, optional
        Exponential running mean; None before the first loss.
    best : float, optional
        Its lowest value so far.
    """

    average: float | None = None
    best: float | None = None

    def update(self, loss: float) -> None:
        """Take one more loss, which is finite, into account."""
        if self.average is None:
            self.average = self.best = loss
        bounded = min(loss, _SPIKE_FACTOR * self.average)
        self.average = SMOOTHING * self.average + (1 - SMOOTHING) * bounded
        self.best = min(self.best, self.average)

    def exceeds(self, factor: float) -> bool:
        """Whether the running mean is above `factor` times its best."""
        return self.average is not None and self.average > factor * self.best
