"""Rolls into files, named as the page names its downloads."""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prism.music.roll import PianoRoll

# In the order in which they are written, with the ends of their names.
ENDINGS = {"midi": ".mid", "wav": ".wav", "png": ".png", "picture": "-midipic.png"}


def make_folder(folder: pathlib.Path) -> None:
    """Make the folder to write into, unless it is there.

    Raises
    ------
    ValueError
        If that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"--output: {folder} cannot be made a folder ({error.strerror}); choose another"
        ) from error


def write_files(
    roll: PianoRoll,
    folder: pathlib.Path,
    stem: str,
    lines: Sequence[str],
    kinds: Collection[str] = ("midi",),
) -> dict[str, str]:
    """Write a roll in several ways, and print one line a file: its path.

    Parameters
    ----------
    roll : PianoRoll
        What to write.
    folder : Path
        There already.
    stem : str
        From `prism.music.naming.file_stem`.
    lines : sequence of str
        Say in the files what the roll is, the first one what it is called; see
        `prism.music.metadata`.
    kinds : collection of str
        Some of `ENDINGS`.

    Returns
    -------
    dict
        The path of each kind.

    Raises
    ------
    ValueError
        If a file cannot be written.
    SynthesisError
        If sound is asked for and there is no synthesiser.
    """
    written = {}
    for kind, ending in ENDINGS.items():
        if kind in kinds:
            path = folder / f"{stem}{ending}"
            try:
                _WRITERS[kind](roll, path, lines)
            except OSError as error:
                raise ValueError(
                    f"--output: {path} cannot be written ({error.strerror or error}); "
                    "make room for it or choose another folder"
                ) from error
            written[kind] = str(path)
            print(path, flush=True)
    return written


def _write_midi(roll: PianoRoll, path: pathlib.Path, lines: Sequence[str]) -> None:
    from prism.music.metadata import save_midi

    save_midi(roll, path, lines)


def _write_wav(roll: PianoRoll, path: pathlib.Path, lines: Sequence[str]) -> None:
    from prism.music.performance import shaped
    from prism.music.synthesis import synthesise, write_wav

    write_wav(synthesise(shaped(roll)), path)


def _write_png(roll: PianoRoll, path: pathlib.Path, lines: Sequence[str]) -> None:
    from prism.drawing.rolls import save_png

    save_png(roll, path, lines[0])


def _write_picture(roll: PianoRoll, path: pathlib.Path, lines: Sequence[str]) -> None:
    from prism.music.midipic import save_picture

    save_picture(roll, path)


_WRITERS = {"midi": _write_midi, "wav": _write_wav, "png": _write_png, "picture": _write_picture}
