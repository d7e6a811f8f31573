"""How alike two rolls are by two networks' features, and what such a number means."""

from prism.similarity.networks import similarity

__all__ = ["similarity"]
