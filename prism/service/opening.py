"""The stored example with which the page opens: music before anybody has pressed anything.

It is made to sound, scored and placed beside the training music once, for all visitors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prism.service.examples import EXAMPLES
from prism.service.session import Generation, Session

if TYPE_CHECKING:
    from prism.service.piece import ShownPiece
    from prism.service.service import Service


class Opening:
    """Gives each visitor's session the first of the stored examples.

    Attributes
    ----------
    shared : Generation
        What is known of it by now; it is nobody's own.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.shared = Generation(next(iter(EXAMPLES.values())))

    @property
    def pieces(self) -> dict[str, ShownPiece]:
        """A piece of every source, perhaps without its files; empty if one is not stored."""
        stored = self._service.examples.get()
        found = {n: stored.get(self.shared.settings.key_for(n)) for n in self._service.sources}
        return found if all(found.values()) else {}

    def begin(self, session: Session) -> Generation:
        """Let it be the session's latest generation; still without pieces."""
        return session.begin(self.shared.settings)

    def tell(self, generation: Generation) -> None:
        """Give a visitor's generation what is known by now."""
        generation.scores = dict(self.shared.scores)
        generation.neighbours = dict(self.shared.neighbours)
