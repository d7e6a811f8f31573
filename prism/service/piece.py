"""One roll on its way to the page: its words, its files, what its player shows."""

from __future__ import annotations

import dataclasses
import functools
import logging
import pathlib
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

from prism.music.metadata import file_stem, save_midi
from prism.music.midipic import save_picture
from prism.music.performance import shaped
from prism.music.roll import FRAMES, FRAMES_PER_BEAT, Note, PianoRoll
from prism.music.synthesis import SynthesisError, synthesise, write_wav
from prism.service.log import log_fault

logger = logging.getLogger(__name__)


def drawing(roll: PianoRoll, notes: Sequence[Note] | None = None) -> dict[str, Any]:
    """What the browser draws of a roll, in beats: its `notes` (by default all), and its bars."""
    notes = roll.notes() if notes is None else notes
    return {
        "notes": [(n.pitch, n.start, n.duration, n.velocity) for n in notes],
        "beats": roll.beats,
        "bar": roll.bar_frames / FRAMES_PER_BEAT,
        "bars": (roll.bar_starts / FRAMES_PER_BEAT).tolist(),
    }


@dataclasses.dataclass
class ShownPiece:
    """A finished roll with the files made of it.

    The files lie in a folder of their own, which is removed when neither a visitor's page nor the
    recent results refer to the piece any more. Visitors share pieces: `files` is never changed, but
    replaced.

    Parameters
    ----------
    kind, title, detail, caption : str
        The player's words, from top to bottom.
    name : str
        Stem of the files' names.
    roll : PianoRoll
        The music, as it is drawn, scored and compared.
    lines : tuple of str
        What its files say of its origin; see `prism.music.metadata`.
    program : int
        On what it is played; see `prism.music.instruments`.
    source : str
        ``prism``, ``corpus`` or ``amt``: whose colour its picture has.
    withheld : str
        Why its notes stay on the server, if they do: it is scored, but neither drawn nor played nor
        saved.
    """

    kind: str
    title: str
    detail: str
    caption: str
    name: str
    roll: PianoRoll
    lines: tuple[str, ...] = ()
    message: str = ""
    program: int = 0
    files: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    source: str = "prism"
    withheld: str = ""

    def __post_init__(self) -> None:
        self.name = file_stem(self.name)
        self.message = self.withheld or self.message
        self._lock = threading.RLock()

    @functools.cached_property
    def _folder(self) -> tempfile.TemporaryDirectory:
        return tempfile.TemporaryDirectory(prefix="prism-", ignore_cleanup_errors=True)

    @property
    def origin(self) -> tuple[str, ...]:
        """Title and detail, then `lines`: what the MIDI file says."""
        return f"{self.title}: {self.detail}", *self.lines

    @property
    def seen(self) -> PianoRoll:
        """The roll as others may have it: without notes if they are withheld."""
        if not self.withheld:
            return self.roll
        return PianoRoll.empty(self.roll.frames, **self.roll.properties)

    def played_on(self, program: int) -> ShownPiece:
        """The same music for another instrument, without files; itself if it is the same."""
        same = program == self.program
        return self if same else dataclasses.replace(self, program=program, files={})

    def render(self) -> ShownPiece:
        """Write all files but the PNG that are not there; without a synthesiser say so.

        MIDI and WAV have the roll as it is played; see `prism.music.performance`. Of what is
        withheld there are none.
        """
        if self.withheld:
            return self
        with self._lock:
            self.add_file("midi", ".mid", self.save_midi)
            if self.roll.frames == FRAMES:
                self.add_file("midipic", "-midipic.png", lambda path: save_picture(self.roll, path))
            try:
                self.add_file("wav", ".wav", self.save_sound)
                self.message = ""
            except SynthesisError as error:
                log_fault(logger, "sound", error)
                self.message = f"There is no sound: {error}."
        return self

    def save_midi(self, path: pathlib.Path) -> None:
        """Write the MIDI file."""
        save_midi(self.roll, path, self.origin, self.program)

    def save_sound(self, path: pathlib.Path) -> None:
        """Write the WAV file; raises `SynthesisError` without a synthesiser."""
        write_wav(synthesise(shaped(self.roll), self.program), path)

    def add_file(self, kind: str, end: str, write: Callable[[pathlib.Path], object]) -> None:
        """Write a file, unless it is there."""
        if kind not in self.files:
            path = pathlib.Path(self._folder.name) / f"{self.name}{end}"
            write(path)
            self.files = {**self.files, kind: path}

    def draw(self) -> ShownPiece:
        """Write the PNG file, unless it is there or withheld."""
        if self.withheld:
            return self
        # matplotlib takes most of a second to import, and few visitors want a picture.
        from prism.drawing.rolls import save_png

        with self._lock:
            title = f"{self.title} · {self.detail}"
            self.add_file("png", ".png", lambda path: save_png(self.roll, path, title, self.source))
        return self
