"""What one visitor has on the page, shared by the handlers that run meanwhile."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from prism.service.examples import packed, unpacked

if TYPE_CHECKING:
    from prism.models.settings import GenerationSettings
    from prism.service.piece import ShownPiece
    from prism.service.takes import Take
    from prism.service.upload import OwnPiece
    from prism.similarity.neighbours import Neighbour
    from prism.similarity.scorer import Score

Item = TypeVar("Item")

# The sources whose pieces are compared with the corpus's.
COMPARED = ("prism", "amt")
MOST_ENTRIES = 20


@dataclasses.dataclass
class Generation:
    """What has come of one press of Generate, keyed by the sources' names.

    Whoever works for a generation keeps hold of it, so that what comes late never gets among the
    results of the next.

    Parameters
    ----------
    settings : GenerationSettings or None
        What was asked for; None before the first.
    own : OwnPiece or None
        The visitor's own music in the place of the corpus's.
    over, stopped : bool
        Whether the visitor has asked again; has pressed Stop: no more pieces come, but those that
        are there are still on the page, so what is said of them goes on.
    pieces, scores, neighbours : dict
        The finished pieces; the generated ones' scores against the corpus's, a score a network; the
        training music nearest to each.
    scoring, searching : Lock
        For whoever scores the pieces or searches their neighbours: nobody does it twice.
    """

    settings: GenerationSettings | None = None
    own: OwnPiece | None = None
    over: bool = False
    stopped: bool = False
    pieces: dict[str, ShownPiece] = dataclasses.field(default_factory=dict)
    scores: dict[str, list[Score]] = dataclasses.field(default_factory=dict)
    neighbours: dict[str, Neighbour] = dataclasses.field(default_factory=dict)
    scoring: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)
    searching: threading.Lock = dataclasses.field(default_factory=threading.Lock, repr=False)

    @property
    def unscored(self) -> list[str]:
        """The generated pieces that can be compared and were not."""
        if "corpus" not in self.pieces:
            return []
        return [n for n in COMPARED if n in self.pieces and n not in self.scores]

    @property
    def unplaced(self) -> list[str]:
        """The pieces whose neighbour is not known; the generated ones go first."""
        if not any(name in self.pieces for name in COMPARED):
            return []
        # A visitor's own music may well be in the corpus, where it is no yardstick.
        names = COMPARED if self.own else (*COMPARED, "corpus")
        return [n for n in names if n in self.pieces and n not in self.neighbours]


@dataclasses.dataclass
class Entry:
    """One result, as a `Generation` has it; the pieces as notes.

    Parameters
    ----------
    number : int
        Counted from 1 through the visit.
    when : float
        When it was finished, in seconds since 1970.
    """

    number: int
    settings: GenerationSettings
    own: OwnPiece | None
    when: float = dataclasses.field(default_factory=time.time)
    scores: dict[str, list[Score]] = dataclasses.field(default_factory=dict)
    _packed: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def update(self, generation: Generation) -> bool:
        """Take over what is new; whether the list looks different now."""
        for name, piece in list(generation.pieces.items()):
            if name not in self._packed:
                self._packed[name] = packed(piece)
        news = {name: s for name, s in generation.scores.items() if name not in self.scores}
        self.scores |= news
        return bool(news)

    def piece(self, name: str) -> ShownPiece | None:
        """A source's piece, without its files."""
        return unpacked(self._packed[name], name) if name in self._packed else None


class History:
    """The latest `MOST_ENTRIES` results, as notes; the same settings again are no new one."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, Entry] = {}
        self._count = 0
        self.shown = 0

    @property
    def entries(self) -> list[Entry]:
        """From the first to the last."""
        return list(self._entries.values())

    def note(self, generation: Generation) -> bool:
        """Write down what has come so far; whether the list looks different now."""
        settings, own = generation.settings, generation.own
        if settings is None or "prism" not in generation.pieces:
            return False
        key = settings, own and own.key
        new = key not in self._entries
        if new:
            self._count += 1
            self._entries[key] = Entry(self._count, settings, own)
            while len(self._entries) > MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]
        entry = self._entries[key]
        moved, self.shown = self.shown != entry.number, entry.number
        return entry.update(generation) or new or moved

    def entry(self, number: int) -> Entry | None:
        """The entry of that number, unless it had to go."""
        return next((entry for entry in self.entries if entry.number == number), None)

    def kept(self, name: str, settings: GenerationSettings) -> ShownPiece | None:
        """The piece that a source makes with these settings, if it is here."""
        key = settings.key_for(name)
        for entry in self.entries:
            own = name == "corpus" and entry.own is not None
            if entry.settings.key_for(name) == key and not own and (piece := entry.piece(name)):
                return piece
        return None


class Newest:
    """Lets the newest of a visitor's wishes win, however their requests overtake one another.

    A wish is known by when it was made, as the page's clock has it.
    """

    def __init__(self) -> None:
        self.when = 0.0

    def take(self, when: float) -> bool:
        """Take a wish up, unless a newer one was; whether it is the newest."""
        if when < self.when:
            return False
        self.when = when
        return True

    def updates(self, when: float, items: Iterable[Item], nothing: Item) -> Iterator[Item]:
        """What comes of a wish until a newer one is taken up, and then `nothing`, once."""
        if self.take(when):
            for item in items:
                if when < self.when:
                    break
                yield item
            else:
                return
        yield nothing


class Session:
    """Knows the latest generation and its takes, the results before it, the visitor's own music."""

    def __init__(self) -> None:
        self.generation = Generation()
        self.history = History()
        self.own: OwnPiece | None = None
        self.versions: list[GenerationSettings] = []
        self.takes: list[Take] = []
        self.files, self.bars, self.heard = Newest(), Newest(), Newest()

    def __deepcopy__(self, memo: dict) -> Session:
        """Gradio copies the session that the page was built with; every visitor gets a new one."""
        return Session()

    def begin(self, settings: GenerationSettings | None = None) -> Generation:
        """Begin a generation; the one before it is over."""
        self.generation.over = True
        self.generation = Generation(settings, self.own)
        return self.generation

    @property
    def trail(self) -> tuple[int, list[GenerationSettings]]:
        """Which of the versions of Prism's piece is the latest generation's, and all of them.

        Of one that did not come about here, they are all that its settings tell of.
        """
        settings = self.generation.settings
        if settings is None:
            return 0, []
        if settings in self.versions:
            return self.versions.index(settings), self.versions
        before = [settings.with_edits(settings.edits[:n]) for n in range(len(settings.edits))]
        plain = settings.single
        found = [*([] if plain in (settings, *before) else [plain]), *before, settings]
        return len(found) - 1, found

    def compare_with(self, own: OwnPiece | None) -> Generation:
        """From now on the visitor's own music stands in for the corpus's, or no longer does.

        Of the latest generation everything is forgotten that had to do with what stood there.
        """
        generation = self.generation
        self.own = generation.own = own
        generation.pieces.pop("corpus", None)
        generation.neighbours.pop("corpus", None)
        generation.scores = {}
        return generation
