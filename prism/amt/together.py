"""Several samples of the baseline at once, in a fraction of the time that they take one by one.

Each sample is drawn by the usual code in a thread of its own, up to where it needs the model; when
all threads wait there, the model reads the next tokens of all of them in one pass. They share the
products with its weights, which take nearly all the time; attention is each one's own.

Conventions
-----------
same notes
    The same calls together give the same rolls. Sums in products of another size round differently
    in the last bit, so that once in very many notes a sample may go another way than alone.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import torch

from prism.amt.model import AnticipatoryTransformer, KeyValueCache, attention
from prism.amt.pipeline import AMTPipeline
from prism.music.roll import PianoRoll


class Read(NamedTuple):
    """What one sample wants read; as the arguments of `AnticipatoryTransformer.hidden`."""

    rows: torch.Tensor
    cache: KeyValueCache
    label: torch.Tensor | None


def draw_together(pipeline: AMTPipeline, calls: Sequence[Mapping[str, Any]]) -> list[PianoRoll]:
    """A roll for each call, given as the arguments of `AMTPipeline.stream`."""
    meeting = _Meeting(pipeline.model, len(calls))

    def draw(member: int) -> PianoRoll:
        own = copy.copy(pipeline)
        own.model = _Member(pipeline.model, meeting, member)
        try:
            *_, last = own.stream(**calls[member])
            return last.roll
        finally:
            meeting.leave()

    if not calls:
        return []
    with ThreadPoolExecutor(len(calls)) as threads:
        drawn = [threads.submit(draw, member) for member in range(len(calls))]
        meeting.hold()
    return [roll.result() for roll in drawn]


class _Member:
    """The model as one sample sees it: it reads when all others are ready to read, too."""

    def __init__(self, model: AnticipatoryTransformer, meeting: _Meeting, number: int) -> None:
        self._model, self._meeting, self._number = model, meeting, number

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def hidden(
        self, rows: torch.Tensor, cache: KeyValueCache, label: torch.Tensor | None = None
    ) -> torch.Tensor:
        return self._meeting.read(self._number, Read(rows, cache, label))


class _Meeting:
    """Where samples wait for each other; the thread that holds it is the one that computes."""

    def __init__(self, model: AnticipatoryTransformer, size: int) -> None:
        self._model, self._present = model, size
        self._asked: dict[int, Read] = {}
        self._answers: dict[int, torch.Tensor | Exception] = {}
        self._changed = threading.Condition()

    def read(self, member: int, read: Read) -> torch.Tensor:
        with self._changed:
            self._asked[member] = read
            self._changed.notify_all()
            self._changed.wait_for(lambda: member in self._answers)
            answer = self._answers.pop(member)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def leave(self) -> None:
        """One sample is done, or has failed."""
        with self._changed:
            self._present -= 1
            self._changed.notify_all()

    def hold(self) -> None:
        """Read for the samples until the last one has left."""
        with self._changed:
            while self._present:
                # One that was answered and has not asked again keeps the others waiting.
                self._changed.wait_for(lambda: len(self._asked) == self._present)
                # In this order, as sums may depend on it.
                members = sorted(self._asked)
                self._answers |= self._answered(members)
                self._asked.clear()
                self._changed.notify_all()

    def _answered(self, members: Sequence[int]) -> dict[int, torch.Tensor | Exception]:
        try:
            found = hidden_together(self._model, [self._asked[member] for member in members])
        except Exception as error:  # else the waiting threads would hang
            found = [error] * len(members)
        return dict(zip(members, found, strict=True))


@torch.inference_mode()
def hidden_together(model: AnticipatoryTransformer, reads: Sequence[Read]) -> list[torch.Tensor]:
    """`AnticipatoryTransformer.hidden` of each of `reads`, (1, N, W) each."""
    if not reads:
        return []
    sizes = [read.rows.shape[1] for read in reads]
    x = torch.cat([model.embedded(*read) for read in reads], dim=1)  # (1, ΣN, W)
    for layer, block in enumerate(model.h):
        qkv = block.attn.projected(block.ln_1(x))  # 3 × (1, H, ΣN, E)
        mixed = [
            attention(q, *read.cache.extend(layer, k, v))
            for read, (q, k, v) in zip(reads, qkv.split(sizes, dim=3), strict=True)
        ]
        x = x + block.attn.merged(torch.cat(mixed, dim=2))
        x = x + block.mlp(block.ln_2(x))
    for read, size in zip(reads, sizes, strict=True):
        read.cache.length += size
    return list(model.ln_f(x).split(sizes, dim=1))
