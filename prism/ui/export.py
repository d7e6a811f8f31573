"""Downloads of a whole comparison: a ZIP file, or a poster to print.

Both are made when asked for, from what is finished by then.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import re
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from prism.drawing.engraving import EngravingError
from prism.music.metadata import file_stem
from prism.music.synthesis import SynthesisError, sound_words
from prism.service.export import Comparison, write_archive, write_poster
from prism.service.links import query
from prism.service.log import fault_words, log_fault
from prism.service.service import Service
from prism.service.session import Generation, Session
from prism.service.sources import TITLES
from prism.ui.element import QUIET, Element
from prism.ui.player import DRAWING, file_data

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(
    r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?(/[\w.~%-]*)*", re.ASCII | re.IGNORECASE
)
_LONGEST_ADDRESS = 300
_ABOUT = (
    "One ZIP file with every piece's MIDI, WAV, MusicXML, score and pictures, the scores, and the "
    "link; or a poster to print, with a QR code that opens this comparison. "
)
_NOT_CARRIED = (
    "The piece compared with is the visitor's own file, which the link does not carry: it opens "
    "the same choice beside a piece of the corpus."
)


class ExportPanel(Element):
    """Two buttons; its value is what `export_value` returns.

    Its ``archive`` and ``poster`` events carry the ``page``'s address and wait for a file.
    """

    asset = "page/export"


def export_value(
    text: str = "", error: bool = False, busy: bool = False, file: pathlib.Path | None = None
) -> dict[str, Any]:
    """The panel's value: what is going on, or went wrong, and a file for the visitor to save."""
    return {
        "about": _ABOUT + _sound(),
        "text": text,
        "kind": "error" if error else "calm",
        "busy": busy,
        "file": file and file_data(file),
        # The page is told of changes only, and the same file twice should be saved twice.
        "when": time.monotonic(),
    }


def _sound() -> str:
    """By what the pieces are played."""
    try:
        return f"Played by {sound_words()}."
    except SynthesisError:
        # The players say it.
        return ""


class Export:
    """Event handlers of the panel."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def archive(self, session: Session, event: gr.EventData) -> Iterator[dict[str, Any]]:
        """Make the ZIP file; the panel's value."""

        def write(comparison: Comparison, path: pathlib.Path) -> None:
            for piece in comparison.pieces.values():
                piece.draw().notate()
                try:
                    piece.engrave()
                except EngravingError as error:
                    remarks = (*comparison.remarks, f"No score pictures: {error}.")
                    comparison = dataclasses.replace(comparison, remarks=remarks)
            write_archive(comparison, path)

        yield from self._made(write, "comparison", "zip", session.generation, event.page)

    def poster(self, session: Session, event: gr.EventData) -> Iterator[dict[str, Any]]:
        """Make the poster; the panel's value."""
        yield from self._made(write_poster, "poster", "pdf", session.generation, event.page)

    def _made(
        self,
        write: Callable[[Comparison, pathlib.Path], None],
        name: str,
        ending: str,
        generation: Generation,
        page: object,
    ) -> Iterator[dict[str, Any]]:
        if generation.settings is None or not generation.pieces:
            yield export_value("There is nothing to keep yet: press Generate first.", error=True)
            return
        yield export_value(f"Making the {name}…", busy=True)
        end = f"seed-{generation.settings.seed}"
        stem = file_stem(f"prism-{name}", *generation.settings.composers, end=end)
        try:
            with tempfile.TemporaryDirectory(prefix="prism-") as folder:
                path = pathlib.Path(folder, f"{stem}.{ending}")
                comparison = self.comparison(generation, page_address(page))
                write(comparison, path)
                # Gradio copies the file before it asks for what comes next.
                said = f"{_done(path, comparison)}{_reach(comparison.link)}"
                yield export_value(said, file=path)
        except Exception as error:  # whatever it was, the rest of the page goes on
            log_fault(logger, name, error)
            yield export_value(
                f"The {name} could not be made ({fault_words(error)}): try again, or save the "
                "pieces one by one.",
                error=True,
            )

    def comparison(self, generation: Generation, address: str) -> Comparison:
        """What there is of a generation by now; `address` is the page's."""
        pieces = {name: generation.pieces[name] for name in TITLES if name in generation.pieces}
        scores = {name: found for name, found in generation.scores.items() if name in pieces}
        chosen = generation.settings
        # Under their public names.
        told = chosen.public()
        told |= {"composers": chosen.composers, "weights": chosen.composer_weights}
        return Comparison(
            title=chosen.mix,
            settings={name: value for name, value in told.items() if value != ""},
            pieces=pieces,
            scores=scores,
            bands=self.service.scorer.get().bands if scores else {},
            link=f"{address}?{query(chosen, self.service.bundle.id)}" if address else "",
            remarks=tuple(filter(None, [_NOT_CARRIED if generation.own else "", _sound()])),
        )


def page_address(text: object) -> str:
    """The page's own address as a browser tells it; empty if it is no plain one.

    Examples
    --------
    >>> page_address("https://host.example/prism/"), page_address("javascript:alert(1)")
    ('https://host.example/prism/', '')
    """
    plain = isinstance(text, str) and len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text)
    return text if plain else ""


def _done(path: pathlib.Path, comparison: Comparison) -> str:
    real = TITLES["corpus"]
    lacking = ["the real piece" if n == real else f"{n}'s piece" for n in comparison.missing]
    if not comparison.scores:
        lacking.append("the scores")
    without = f", without {', '.join(lacking)}: not finished yet" if lacking else ""
    return f"Saved as {path.name}{without}."


def _reach(link: str) -> str:
    """A warning if a link leads nowhere but to the computer it was made on."""
    host = urllib.parse.urlsplit(link).hostname
    if host not in ("localhost", "127.0.0.1", "::1"):
        return ""
    return (
        f" Its link leads to {host}, which is this computer alone: for others, open the page under "
        "an address that they can reach, and make it again."
    )


def export_panel(export: Export, session: gr.State) -> None:
    """Lay out the panel and connect it; call inside a ``gr.Blocks``."""
    with gr.Column(elem_classes="prism-below"):
        panel = ExportPanel(export_value())
    once = {"trigger_mode": "once", **DRAWING, **QUIET}
    panel.archive(export.archive, session, panel, **once)
    panel.poster(export.poster, session, panel, **once)
