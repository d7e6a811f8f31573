"""Gradio's page, with every answer delivered.

Two faults of Gradio 6.31 lose answers now and then, the more the busier the machine; a test shows
each.

The stream of a page (``/queue/data``) ends together with the last pending event, and the page opens
another one with its next event, unless it has not read yet that the old one ended: then nobody
reads that event's answer. So here the stream waits for an event of its own, which ends once nothing
else has been asked for a few seconds; and whoever asks just then is answered after the end has been
read.

What a handler yields is sent as the difference from what it yielded before. The page changes the
value that it has in place, though it may not have shown that one yet, so that what is followed by a
`gr.skip()` vanishes. So here whole values are sent.
"""

from __future__ import annotations

import asyncio
from typing import Any

import gradio as gr
from gradio.data_classes import PredictBodyInternal
from gradio.queueing import Queue
from gradio.server_messages import ProcessCompletedMessage

QUIET_SECONDS = 3.0
# Longer than the end of a stream takes to the page; waited only by whoever meets that end.
SETTLE_SECONDS = 0.25
_IDLE = "idle"


class ReliableBlocks(gr.Blocks):
    """`gradio.Blocks` whose streams stay open between events and carry whole values.

    Parameters
    ----------
    quiet : float
        Seconds without events after which a stream ends, at least; twice that at most. Each open
        page holds one of the six connections that a browser allows a host, so not for ever.
    **options
        As for `gradio.Blocks`.
    """

    def __init__(self, quiet: float = QUIET_SECONDS, **options: Any) -> None:
        self._quiet = quiet
        super().__init__(**options)

    def queue(self, *args: Any, **options: Any) -> ReliableBlocks:
        """See `gradio.Blocks.queue`."""
        super().queue(*args, **options)
        streams, push = _Streams(self._queue, self._quiet), self._queue.push

        async def push_and_wait(body: PredictBodyInternal, *args: Any, **kwargs: Any) -> tuple:
            answer = await push(body, *args, **kwargs)
            if self.fns[body.fn_index].api_visibility == "private":  # the page's, no call's
                await streams.asked(body.session_hash)
            return answer

        self._queue.push = push_and_wait
        return self

    def handle_streaming_diffs(
        self,
        block_fn: gr.blocks.BlockFunction,
        data: list,
        session_hash: str | None,
        run: str | None,
        final: bool,
        simple_format: bool = False,
    ) -> list:
        """See `gradio.Blocks.handle_streaming_diffs`; each difference is the whole value."""
        is_first = run not in self.pending_diff_streams.get(session_hash, {})
        whole = super().handle_streaming_diffs(block_fn, data, session_hash, run, final, True)
        if is_first or final or simple_format:
            return whole
        return [[["replace", [], value]] for value in whole]


class _Streams:
    def __init__(self, queue: Queue, quiet: float) -> None:
        self._queue = queue
        self._quiet = quiet
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._ending: set[str] = set()

    async def asked(self, session: str) -> None:
        """Keep the stream of a session that has just sent an event."""
        self._pending(session).add(_IDLE)
        if session in self._timers:
            self._timers[session].cancel()
        self._look_later(session, was_quiet=False)
        if session in self._ending:
            await asyncio.sleep(SETTLE_SECONDS)

    def _pending(self, session: str) -> set[str]:
        return self._queue.pending_event_ids_session.setdefault(session, set())

    def _look_later(self, session: str, was_quiet: bool) -> None:
        loop = asyncio.get_running_loop()
        self._timers[session] = loop.call_later(self._quiet, self._look, session, was_quiet)

    def _look(self, session: str, was_quiet: bool) -> None:
        is_quiet = self._pending(session) <= {_IDLE}
        if is_quiet and was_quiet:
            self._end(session)
        else:
            self._look_later(session, is_quiet)

    def _end(self, session: str) -> None:
        del self._timers[session]
        messages = self._queue.pending_messages_per_session.get(session)
        if messages is not None:
            over = ProcessCompletedMessage(event_id=_IDLE, output={}, success=True)
            messages.put_nowait(over)
        self._ending.add(session)
        asyncio.get_running_loop().call_later(SETTLE_SECONDS, self._ending.discard, session)
