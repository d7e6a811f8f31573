"""Rolls into files, named as the page names its downloads."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from prism.music import writing
from prism.music.midipic import save_picture

if TYPE_CHECKING:
    from prism.service.piece import ShownPiece

# In the order in which they are written, with the ends of their names.
ENDINGS = {
    "midi": ".mid",
    "wav": ".wav",
    "png": ".png",
    "picture": "-midipic.png",
    "musicxml": ".musicxml",
    "score": "-score.svg",
}


def make_folder(folder: pathlib.Path, option: str = "--output") -> None:
    """`prism.music.writing.make_folder` of an option's folder, which the error names."""
    try:
        writing.make_folder(folder)
    except writing.WriteError as error:
        raise ValueError(f"{option}: {error}") from error


def write_files(
    piece: ShownPiece, folder: pathlib.Path, stem: str, kinds: Collection[str] = ("midi",)
) -> dict[str, str]:
    """Write a piece into a folder in some of the ways of `ENDINGS`, and print each file's path.

    Returns
    -------
    dict
        The path of each kind.

    Raises
    ------
    WriteError
        If a file cannot be written.
    SynthesisError
        If sound is asked for and there is no synthesiser.
    EngravingError
        If a score is asked for and there is nothing to engrave it.
    """
    written = {}
    for kind, ending in ENDINGS.items():
        if kind in kinds:
            path = folder / f"{stem}{ending}"
            writing.write_atomic(path, functools.partial(_write, kind, piece))
            written[kind] = str(path)
            print(path, flush=True)
    return written


def _write(kind: str, piece: ShownPiece, path: pathlib.Path) -> None:
    if kind == "midi":
        piece.save_midi(path)
    elif kind == "wav":
        piece.save_sound(path)
    elif kind == "picture":
        save_picture(piece.roll, path)
    elif kind == "musicxml":
        piece.save_musicxml(path)
    elif kind == "score":
        piece.save_score(path)
    else:
        from prism.drawing.rolls import save_png

        save_png(piece.roll, path, piece.origin[0], piece.source)
