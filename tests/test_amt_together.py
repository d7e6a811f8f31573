"""Samples drawn together are those drawn one by one."""

import pytest
import torch
from test_amt_sampler import make_model

from prism.amt import together
from prism.amt.model import KeyValueCache
from prism.amt.pipeline import AMTPipeline
from prism.amt.together import Read, draw_together, hidden_together
from prism.music.roll import Note, PianoRoll


@pytest.fixture(scope="module")
def amt() -> AMTPipeline:
    return AMTPipeline(make_model())


def opening(count: int) -> PianoRoll:
    return PianoRoll.from_notes([Note(60 + k, k, 1) for k in range(count)], 16 * count or 16)


def test_the_model_reads_several_as_it_reads_each(amt):
    rows = [torch.randint(50, (1, size)) for size in (3, 1, 7)]
    alone, beside = ([KeyValueCache(amt.model.config) for _ in rows] for _ in range(2))
    with torch.inference_mode():
        for _ in range(2):
            expected = [amt.model.hidden(r, c) for r, c in zip(rows, alone, strict=True)]
            reads = [Read(r, c, None) for r, c in zip(rows, beside, strict=True)]
            for found, hoped in zip(hidden_together(amt.model, reads), expected, strict=True):
                assert torch.allclose(found, hoped, atol=1e-5)
    assert [cache.length for cache in beside] == [6, 2, 14]


def test_together_gives_the_same_notes_as_alone(amt, monkeypatch):
    monkeypatch.setattr("prism.amt.pipeline.FRAMES", 48)
    calls = [{"prompt": opening(k), "seed": k} for k in (2, 1, 3)] + [{"seed": 2}]
    rolls = draw_together(amt, calls)
    assert rolls == [amt(**call).rolls[0] for call in calls]
    assert draw_together(amt, calls) == rolls and draw_together(amt, []) == []


def test_one_that_fails_does_not_stop_the_others_for_ever(amt, monkeypatch):
    with pytest.raises(ValueError, match="top_p"):
        draw_together(amt, [{"seed": 1}, {"seed": 2, "top_p": 0}])

    def broken(model, reads):
        raise RuntimeError("no memory")

    monkeypatch.setattr(together, "hidden_together", broken)
    with pytest.raises(RuntimeError, match="no memory"):
        draw_together(amt, [{"seed": 1}, {"seed": 2}])
