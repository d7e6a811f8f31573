"""The waiting line: fair among visitors, limited, and logged.

Gradio keeps a line for every group of events that share a limit, first come first served; whoever
sends fifty requests then makes everybody behind wait for fifty. Here a visitor's second request
stands behind everybody's first. A visitor is a session; where a request comes without one (plain
HTTP), each is a visitor of its own.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import gradio as gr
from gradio.queueing import Event, Queue
from gradio.server_messages import EventMessage, ProcessCompletedMessage

from prism.service.log import Work, begin_work, log_request, note_outcome

REQUESTS_WAITING = 200  # a click on the page is three requests, and up to three when they are done
REQUESTS_PER_VISITOR = 24
# Gradio looks for work a thousand times a second, which costs an idle host 4 % of a core.
_LOOK_SECONDS = 0.005
_ANALYTICS_KEPT = 1


def queue_fairly(page: gr.Blocks) -> gr.Blocks:
    """Give the page this queue in place of Gradio's; the page itself comes back."""
    page.queue()
    page._queue = FairQueue(page)
    return page


class FairLine(list):
    """Events in the order of serving."""

    def append(self, event: Event) -> None:
        """Let it stand behind as many events of each visitor as its own visitor has here."""
        before: Counter[str] = Counter()
        own = sum(other.session_hash == event.session_hash for other in self)
        for place, other in enumerate(self):
            before[other.session_hash] += 1
            if before[other.session_hash] > own + 1:
                self.insert(place, event)
                return
        super().append(event)


class FairQueue(Queue):
    """Gradio's queue with `FairLine`, a limit for each visitor, and a log line a request."""

    def __init__(self, page: gr.Blocks, max_size: int = REQUESTS_WAITING) -> None:
        super().__init__(
            live_updates=True,
            concurrency_count=page.max_threads,
            update_intervals=1,
            max_size=max_size,
            blocks=page,
        )
        self.sleep_when_free = _LOOK_SECONDS
        # Kept for a dashboard that is off; a table of ten thousand, made anew with every request.
        self.ANALYTICS_MAX_EVENTS = _ANALYTICS_KEPT

    def compute_analytics_summary(self, records: list) -> dict:
        """Nothing: see the log."""
        return self.cached_event_analytics_summary

    def create_event_queue_for_fn(self, block_fn: Any) -> None:
        """See `Queue`."""
        new = block_fn.concurrency_id not in self.event_queue_per_concurrency_id
        super().create_event_queue_for_fn(block_fn)
        if new:
            self.event_queue_per_concurrency_id[block_fn.concurrency_id].queue = FairLine()

    async def push(self, body: Any, *others: Any, **settings: Any) -> tuple[bool, Any, str]:
        """Put a request into its line, or say in words why not."""
        refusal = self._refusal(body.session_hash)
        if refusal is None:
            return await super().push(body, *others, **settings)
        name = self.blocks.fns[body.fn_index].api_name
        log_request(str(name), Work("refused"), 0.0, 0.0, len(self))
        return False, refusal, "queue_full"

    async def process_events(self, events: list[Event], *others: Any, **settings: Any) -> None:
        """Answer a request, and log it."""
        event, work, began = events[0], begin_work(), time.monotonic()
        try:
            await super().process_events(events, *others, **settings)
        finally:
            waited, worked = began - event.enqueue_time, time.monotonic() - began
            log_request(str(event.fn.api_name), work, waited, worked, len(self))

    def send_message(self, event: Event, event_message: EventMessage) -> None:
        """Send it to the visitor, and note how the request ended."""
        if event.alive and isinstance(event_message, ProcessCompletedMessage):
            note_outcome(event_message.success)
        super().send_message(event, event_message)

    def _refusal(self, visitor: str | None) -> str | None:
        if len(self) >= self.max_size:
            return f"{len(self)} requests are waiting, as many as may: try again in a minute."
        lines = (line.queue for line in self.event_queue_per_concurrency_id.values())
        own = sum(visitor == event.session_hash for line in lines for event in line)
        if visitor and own >= REQUESTS_PER_VISITOR:
            return f"{own} of your requests are waiting: wait until one is answered."
        return None
