"""Rolls as pictures of written music, engraved by Verovio from MusicXML."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

from prism.music.musicxml import musicxml
from prism.music.roll import PianoRoll

# One page as long as it takes; widths and heights are tenths of a millimetre.
_LAYOUT = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "footer": "none",
    "header": "auto",
    "pageHeight": 60000,
    "pageWidth": 2100,
    "scale": 40,
    "xmlIdSeed": 1,  # the same picture each time
}
_WHITE = '<rect width="100%" height="100%" style="fill: #fff; stroke: none"/>'


class EngravingError(OSError):
    """There is no score picture; the message says why and what to do."""


def save_score(
    roll: PianoRoll, path: str | os.PathLike, title: str = "", lines: Sequence[str] = ()
) -> None:
    """Write a roll as an SVG picture of written music on two staves; see `musicxml`.

    Raises
    ------
    EngravingError
        If Verovio is not installed.
    """
    try:
        import verovio
    except ImportError as error:
        raise EngravingError(
            "there is no score picture without the package verovio; install it with: "
            "pip install verovio"
        ) from error
    verovio.enableLog(verovio.LOG_OFF)
    # Each thread has a path to Verovio's fonts of its own, and only the importing one has it set.
    verovio.setDefaultResourcePath(str(pathlib.Path(verovio.__file__).with_name("data")))
    toolkit = verovio.toolkit()
    toolkit.setOptions(_LAYOUT)
    if not toolkit.loadData(musicxml(roll, title, lines)):
        raise EngravingError("Verovio cannot read this music; save it as MusicXML instead")
    head, body = toolkit.renderToSVG(1).split(">", 1)
    pathlib.Path(path).write_text(f"{head}>{_WHITE}{body}", encoding="utf-8")
