"""POP909: ``POP909/001/001.mid``, with other versions of the song in ``POP909/001/versions``.

Source: Z. Wang et al., "POP909: A Pop-song Dataset for Music Arrangement Generation", ISMIR 2020;
https://github.com/music-x-lab/POP909-Dataset (MIT licence).
"""

from __future__ import annotations

import pathlib
import re

from prism.corpora.folder import Layout, Name, tidy

LABEL = "POP909"
TERMS = "MIT (POP909, Wang et al. 2020); the song is its owners'"


def parse_pop909(path: str) -> Name | None:
    """The song is the folder with a three-digit number; `None` outside of one."""
    folders = pathlib.PurePosixPath(path).parent.parts
    song = next((part for part in folders if re.fullmatch(r"\d{3}", part)), None)
    return Name(LABEL, tidy(pathlib.PurePosixPath(path).stem), song) if song else None


POP909 = Layout("pop909", parse_pop909, TERMS)
