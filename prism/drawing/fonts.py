"""Fonts for names in any script.

Conventions
-----------
font
    The default one; for what it lacks, the first installed one that has it, those without serifs
    before others.
no font
    Where no font has a stretch of a text, an ellipsis stands for it: no boxes.
"""

from __future__ import annotations

import functools
import re

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

_DEFAULT = "sans-serif"
# Fonts that draw a box for every character, and symbol fonts for formulas.
_NO_TEXT = re.compile("Last Resort|cm|STIX")
_LEFT_OUT = re.compile(r"…([\s\u200c\u200d]*…)+")


@functools.lru_cache(maxsize=256)
def drawable(text: str) -> tuple[str, list[str]]:
    """As much of a text as can be drawn, and the families of fonts to draw it with."""
    families = [_DEFAULT]
    seen = {c for c in text if not c.isspace()}
    missing = _missing(seen, findfont(FontProperties(family=families)))
    for family, file in _installed() if missing else ():
        if (left := _missing(missing, file)) < missing:
            families.append(family)
            missing = left
    if missing:
        text = _LEFT_OUT.sub("…", "".join("…" if c in missing else c for c in text))
    return text, families


def _missing(characters: set[str], file: str) -> set[str]:
    font = get_font(file)
    return {c for c in characters if not font.get_char_index(ord(c))}


def _installed() -> list[tuple[str, str]]:
    """Every family and a file of it."""
    files = {font.name: font.fname for font in fontManager.ttflist}
    texts = [item for item in files.items() if not _NO_TEXT.match(item[0])]
    return sorted(texts, key=lambda item: ("Sans" not in item[0], item))
