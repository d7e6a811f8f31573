"""The stored example with which the page opens: music before anybody has pressed anything.

Its notes are part of the page. It is made to sound, scored and placed beside the training music
once, for all visitors.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prism.service.log import log_fault
from prism.service.session import Generation, Session

if TYPE_CHECKING:
    from prism.service.piece import ShownPiece
    from prism.service.service import Service


logger = logging.getLogger(__name__)


class Opening:
    """Gives each visitor's session the first of the stored examples.

    `shared` holds what is known of it by now; it is nobody's own, and without settings if there is
    none.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        first = next(iter(service.stored.examples), None)
        self.shared = Generation(first and first.settings)

    @property
    def pieces(self) -> dict[str, ShownPiece]:
        """A piece of every source, perhaps without its files.

        Empty if there is no example, or it was made with other weights than those in use.
        """
        if self.shared.settings is None:
            return {}
        try:
            stored = self._service.examples.get()
        except Exception as error:  # whatever it was, the page works without
            log_fault(logger, "examples", error)
            return {}
        found = {n: stored.get(self.shared.settings.key_for(n)) for n in self._service.sources}
        return found if all(found.values()) else {}

    def begin(self, session: Session) -> Generation:
        """Let it be the session's latest generation; still without pieces."""
        return session.begin(self.shared.settings)

    def tell(self, generation: Generation) -> None:
        """Give a visitor's generation what is known by now."""
        generation.scores = dict(self.shared.scores)
        generation.neighbours = dict(self.shared.neighbours)
