"""The checkpoints of a stage: the latest, the one before it, and one from before its loss rose.

Each is whole or not there. One that is damaged, as a fault of the disk may leave it, is told, and
the next in this order is used; it is never taken for a reason to begin anew.
"""

from __future__ import annotations

import pathlib
import zipfile
from typing import Any

import torch

from prism.music.writing import link_or_copy, write_atomic

_PARTS = {"network", "average", "optimizer", "progress", "recipe", "corpus_sha256"}


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says why and what to do."""


class Checkpoints:
    """The checkpoints of a stage: ``<name>.pt``, ``<name>.before.pt`` and ``<name>.calm.pt``."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.latest = folder / f"{name}.pt"
        self.before = folder / f"{name}.before.pt"
        self.calm = folder / f"{name}.calm.pt"
        self._latest_is_good = True

    def read(self) -> tuple[dict[str, Any], list[str]] | None:
        """The newest that can be read, on the CPU, and what to say of it; None if there is none.

        Raises CheckpointError if all that are there are damaged.
        """
        damaged: list[str] = []
        for path in filter(pathlib.Path.is_file, (self.latest, self.before, self.calm)):
            state = _loaded(path)
            if state is not None:
                self._latest_is_good = not damaged
                where = f"{path}, step {state['progress']['step']:,}"
                return state, [f"{other} is damaged; going on from {where}" for other in damaged]
            damaged.append(str(path))
        if damaged:
            raise CheckpointError(
                f"{' and '.join(damaged)}: damaged, and there is no other checkpoint; restore one, "
                "or delete them to begin anew"
            )
        return None

    def write(self, state: dict[str, Any]) -> None:
        """Write the latest, and keep the one that was; raises WriteError if that fails."""

        def write(partial: pathlib.Path) -> None:
            # Given the path, torch would only say that something is unexpected on a full disk.
            with partial.open("wb") as file:
                try:
                    torch.save(state, file)
                except RuntimeError as error:
                    # Of a disk that is full early torch tells last what it did not expect.
                    raise error.__context__ or error from None
            if self.latest.is_file() and self._latest_is_good:
                self.latest.replace(self.before)

        write_atomic(self.latest, write)
        self._latest_is_good = True

    def keep_calm(self) -> None:
        """Keep the latest, as it is from before the loss rose; nothing if one is kept already."""
        if self.latest.is_file() and self._latest_is_good and not self.calm.is_file():
            link_or_copy(self.latest, self.calm)

    def drop_calm(self) -> None:
        """The loss is low again: the latest will do."""
        self.calm.unlink(missing_ok=True)

    def go_back(self) -> None:
        """Put the one from before the loss rose, if one is kept, in the place of later ones."""
        if self.calm.is_file():
            self.calm.replace(self.latest)
            self.before.unlink(missing_ok=True)


def _loaded(path: pathlib.Path) -> dict[str, Any] | None:
    """What a checkpoint holds; None if it is damaged."""
    try:
        # torch itself does not look at the checksums.
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return None
        # On the CPU first: a GPU that is full is no damage.
        state = torch.load(path, weights_only=True, map_location="cpu")
        return state if state.keys() >= _PARTS else None
    except Exception:  # a damaged file makes its readers raise anything
        return None
