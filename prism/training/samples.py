"""A sample at every evaluation, the same noise each time: how a model learns to draw.

Each lies in a file of its own while training goes on, so that a run that was stopped and resumed
keeps them; the weights get them all in one, ``samples.json``.
"""

from __future__ import annotations

import json
import pathlib

from prism.music.roll import PianoRoll
from prism.training.files import write_text

SAMPLES_FILE = "samples.json"


def keep_sample(roll: PianoRoll, step: int, composer: str, seed: int, folder: pathlib.Path) -> None:
    """Write one evaluation's sample.

    Parameters
    ----------
    roll : PianoRoll
        What was drawn.
    step : int
        After how many training steps.
    composer : str
        What it was drawn for.
    seed : int
        What it was drawn from.
    folder : Path
        Made if it is missing.
    """
    notes = [(n.pitch, n.start, n.duration, n.velocity) for n in roll.notes()]
    record = {
        "step": step,
        "composer": composer,
        "seed": seed,
        "beats": roll.beats,
        "tempo": roll.tempo,
        "notes": notes,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sample-{step:06d}.json"
    write_text(path, json.dumps(record, ensure_ascii=False) + "\n")


def collect_samples(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Write what `keep_sample` has written into a folder as one list, in the order of steps."""
    found = sorted(folder.glob("sample-*.json"))
    lines = ",\n".join(file.read_text(encoding="utf-8").strip() for file in found)
    write_text(path, f"[\n{lines}\n]\n")
