"""How alike two rolls are, in the eyes of two networks, and what such a number means."""

from prism.similarity.networks import similarity

__all__ = ["similarity"]
