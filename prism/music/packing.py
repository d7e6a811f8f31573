"""A roll as plain JSON: what stored examples and an evaluation's ledger hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prism.music.roll import FRAMES, PianoRoll

_COLUMNS = ("pitch", "start", "end", "velocity")


def packed_roll(roll: PianoRoll) -> dict[str, Any]:
    """Everything of a roll; `frames` and `bars` only where they are not the usual ones."""
    signature = roll.time_signature
    columns = zip(_COLUMNS, roll.arrays(), strict=True)
    return {
        "tempo": roll.tempo,
        "time_signature": None if signature is None else list(signature),
        **({"bars": list(roll.bars)} if roll.bars else {}),
        **({"frames": roll.frames} if roll.frames != FRAMES else {}),
        **{name: column.tolist() for name, column in columns},
    }


def unpacked_roll(stored: Mapping[str, Any]) -> PianoRoll:
    """The roll of which `packed_roll` made this; what else stands there is left alone."""
    signature, bars = stored["time_signature"], stored.get("bars")
    return PianoRoll.from_arrays(
        *(np.array(stored[name], np.int64) for name in _COLUMNS),
        stored.get("frames", FRAMES),
        tempo=stored["tempo"],
        time_signature=None if signature is None else tuple(signature),
        bars=None if bars is None else tuple(bars),
    )
