"""The How it works tab: small experiments with the real models."""

from prism.ui.lessons.tab import lessons_tab

__all__ = ["lessons_tab"]
