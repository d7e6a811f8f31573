"""Sampling events one after another: grammar, nucleus, key/value cache, sliding context.

The published sampler reads the whole context anew for each of an event's three tokens, and once it
is full drops the oldest event before every new one. Here the keys and values of what was read are
kept; when the context is full, all but the last `KEPT_EVENTS` events are dropped at once and read
again with their times counted from the first of them.

A pass over three tokens takes little longer than over one. So the reader is told which time and
duration may well come next and reads them along; where the draw finds the same, its next passes are
done already. Every draw is from the model's own distribution, so the result stays the same
(speculative decoding: Leviathan et al. 2023, with guesses by a rule instead of a second model).

Conventions
-----------
Times are in centiseconds from the start of the whole sequence, prompt included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from prism.amt import events
from prism.amt.model import AnticipatoryTransformer, KeyValueCache
from prism.amt.vocabulary import (
    ANTICIPATE,
    ANTICIPATION,
    AUTOREGRESS,
    DURATION_OFFSET,
    MAXIMUM_DURATION,
    MAXIMUM_TIME,
    NOTE_OFFSET,
    REST,
    TIME_OFFSET,
    TOKENS_PER_EVENT,
)

KEPT_EVENTS = 256
# So many notes, each at a time of its own, are taken for a single line.
_LINE = 4
# So many centiseconds of the past at most, well inside what times can tell.
_LONGEST_PAST = MAXIMUM_TIME - 4 * ANTICIPATION
_KEPT_PAST = _LONGEST_PAST // 2

Choose = Callable[[torch.Tensor], int]


class CachedReader:
    """Reads every token once, through the model's key/value cache, and likely ones ahead.

    `label`, as of `AnticipatoryTransformer.hidden`, is read with the first token after a restart.
    """

    def __init__(self, model: AnticipatoryTransformer, label: torch.Tensor | None = None) -> None:
        self.model, self.label = model, label
        self.cache = KeyValueCache(model.config)
        self.waiting: list[int] = []
        # Tokens read before they were drawn, and the states after the last one drawn and each.
        self.ahead: list[int] = []
        self.hidden = torch.empty(0)

    def restart(self, rows: list[int]) -> None:
        """Forget everything and read `rows`, when they are first needed."""
        self.cache.length = 0
        self.ahead = []
        self.waiting = list(rows)

    def append(self, row: int) -> None:
        """Read one token more, when it is first needed."""
        if self.ahead and self.ahead[0] == row:
            self.ahead, self.hidden = self.ahead[1:], self.hidden[1:]
            return
        self.cache.length -= len(self.ahead)
        self.ahead = []
        self.waiting.append(row)

    def logits(self, rows: slice, likely: Sequence[int] = ()) -> torch.Tensor:
        """Logits of the next token, one for each of these rows of the token table.

        `likely` are rows that may well be appended next, to read along if anything has to be read.
        """
        if self.waiting:
            read = torch.tensor([[*self.waiting, *likely]])
            hidden = self.model.hidden(read, self.cache, self.label)
            self.hidden = hidden[0, len(self.waiting) - 1 :]
            self.ahead, self.waiting = list(likely), []
        return self.model.logits(self.hidden[0], rows)


def greedy(logits: torch.Tensor) -> int:
    """The likeliest token."""
    return int(logits.argmax())


def nucleus(top_p: float, generator: torch.Generator) -> Choose:
    """Draw from the likeliest tokens that together reach `top_p` (Holtzman et al. 2020)."""

    def choose(logits: torch.Tensor) -> int:
        share, order = torch.softmax(logits, 0).sort(descending=True)
        share[share.cumsum(0) - share >= top_p] = 0
        return int(order[torch.multinomial(share, 1, generator=generator)])

    return choose


class EventSequence:
    """The sequence so far, and the last part of it, which a reader has read.

    It begins with a prompt and the controls that belong into it; `flag` is AUTOREGRESS or
    ANTICIPATE.
    """

    def __init__(
        self, model: AnticipatoryTransformer, reader: CachedReader, sequence: np.ndarray, flag: int
    ) -> None:
        self.table = model.table
        self.capacity = (model.config.context - 1) // TOKENS_PER_EVENT
        self.reader = reader
        self.flag = flag
        self.sequence = sequence
        self.latest: list[np.ndarray] = []
        self._restart(self.capacity - 1)

    def _restart(self, most: int) -> None:
        """Read the flag and the last events, `most` at most, with times from their first on."""
        part = self.sequence[-most:] if most else events.no_events()
        clock = events.times(part)
        if len(part):
            part = part[clock >= clock.max() - _KEPT_PAST]
        self.offset = int(events.times(part).min()) if len(part) else 0
        self.length = len(part)
        tokens = np.append(self.flag, part - [self.offset, 0, 0])
        self.reader.restart(self.table.rows(tokens).tolist())

    def append(self, event: np.ndarray) -> None:
        """Add a control."""
        time = int(events.times(event[None])[0]) - self.offset
        if time < MAXIMUM_TIME:
            for token in event - [self.offset, 0, 0]:
                self.reader.append(int(self.table.rows(token)))
        self._record(event, time)

    def draw(self, earliest: int, choose: Choose) -> np.ndarray:
        """Draw and add an event that arrives at `earliest` or later."""
        first = TIME_OFFSET + earliest - self.offset
        last = TIME_OFFSET + MAXIMUM_TIME - 1
        likely = self._likely(first, last)
        time = self._draw_token(first, last, choose, likely)
        last = DURATION_OFFSET + MAXIMUM_DURATION - 1
        duration = self._draw_token(DURATION_OFFSET, last, choose, likely[1:])
        rest = duration == DURATION_OFFSET
        note = self._draw_token(*((REST, REST) if rest else (NOTE_OFFSET, REST - 1)), choose)
        event = np.array([time + self.offset, duration, note])
        self.latest = [*self.latest[-_LINE + 1 :], event]
        self._record(event, time - TIME_OFFSET)
        return event

    def _likely(self, first: int, last: int) -> list[int]:
        """Rows of a time and a duration that may well come next; none to begin with.

        One more note at the same time, as long as the one before; in a single line the next note,
        as far away as the one before.
        """
        if len(self.latest) < _LINE:
            return []
        distances = np.diff([event[0] for event in self.latest])
        time = self.latest[-1][0] - self.offset + (distances[-1] if distances.all() else 0)
        if not first <= time <= last:
            return []
        return self.table.rows(np.array([time, self.latest[-1][1]])).tolist()

    def _draw_token(self, first: int, last: int, choose: Choose, likely: Sequence[int] = ()) -> int:
        rows = self.table.row_range(first, last)
        row = rows.start
        if rows.stop - rows.start > 1:
            row += choose(self.reader.logits(rows, likely))
        self.reader.append(row)
        return int(self.table.tokens[row])

    def _record(self, event: np.ndarray, time: int) -> None:
        self.sequence = np.concatenate([self.sequence, event[None]])
        self.length += 1
        if self.length >= self.capacity or time > _LONGEST_PAST:
            self._restart(min(KEPT_EVENTS, self.capacity - 1))


@torch.inference_mode()
def generate(
    model: AnticipatoryTransformer,
    start: int,
    end: int,
    choose: Choose,
    prompt: np.ndarray | None = None,
    controls: np.ndarray | None = None,
    reader: CachedReader | None = None,
    most_events: int = 4000,
) -> Iterator[np.ndarray]:
    """Draw events from `start` until one would arrive at `end` (the paper's algorithm 1).

    Parameters
    ----------
    start, end : int
        Centiseconds.
    choose : callable
        `greedy` or from `nucleus`.
    prompt : ndarray, shape=(n, 3), optional
        Events before `start`.
    controls : ndarray, shape=(m, 3), optional
        Notes to accompany, as from `prism.amt.events.as_controls`.
    reader : CachedReader, optional
        Or what has its methods.
    most_events : int
        Stop after so many, whatever happens.

    Yields
    ------
    ndarray, shape=(3,)
        An event, among them rests; neither prompt nor controls.
    """
    prompt = events.no_events() if prompt is None else prompt
    controls = events.no_events() if controls is None else controls
    flag = ANTICIPATE if len(controls) else AUTOREGRESS
    sequence, waiting = events.anticipated(events.with_rests(prompt, start), controls)
    past = sequence[~events.is_control(sequence)]
    now = int(events.times(past)[-1]) if len(past) else 0
    written = EventSequence(model, reader or CachedReader(model), sequence, flag)
    due = events.times(waiting) - ANTICIPATION
    given = 0
    for _ in range(most_events):
        while given < len(waiting) and now >= due[given]:
            written.append(waiting[given])
            given += 1
        event = written.draw(max(start, now), choose)
        now = int(event[0]) - TIME_OFFSET
        if now >= end:
            return
        yield event
