"""Samples on disk go on where they were stopped; labels are compared with real music's."""

import numpy as np
import pytest
import torch
from conftest import make_pipeline

from prism.evaluation.ledger import Ledger
from prism.evaluation.material import draw_samples, real_side, run_side, sample_side
from prism.evaluation.processes import in_processes
from prism.evaluation.tolerance import (
    TOLERANCES,
    interval_section,
    jensen_shannon,
    tolerance_section,
)
from prism.evaluation.two_sample import Side
from prism.music.packing import packed_roll, unpacked_roll
from prism.music.roll import Note, PianoRoll
from prism.music.statistics import NAMES, line_moves


def quick(label, seed):
    return make_pipeline()(label, seed=seed, num_inference_steps=1)


quick.composers = make_pipeline().composers


def test_a_roll_comes_back_from_its_row():
    roll = PianoRoll.from_notes([Note(60, 0, 2, 70), Note(64, 1.5, 1, 90)], 64, tempo=93.5)
    assert unpacked_roll(packed_roll(roll)) == roll
    uneven = PianoRoll(roll.onset, roll.sustain, roll.velocity, time_signature=(3, 4), bars=(0, 20))
    assert unpacked_roll(packed_roll(uneven)).properties == uneven.properties
    assert unpacked_roll(packed_roll(PianoRoll.empty(32))).notes() == []


def test_samples_that_were_stopped_go_on_to_the_same_result(tmp_path):
    whole = Ledger(tmp_path / "whole.jsonl", {})
    list(draw_samples(quick, whole, 3, seed=5, batch=2))
    path = tmp_path / "stopped.jsonl"
    stopped = Ledger(path, {})
    next(draw_samples(quick, stopped, 3, seed=5, batch=2))
    with path.open("a") as file:
        file.write('{"label": "half a li')
    again = Ledger(path, {})
    drawn = list(draw_samples(quick, again, 3, seed=5, batch=2, processes=2))
    assert sum(drawn) == 3 * len(quick.composers) - 2
    one, other = sample_side(whole, 3, 5), sample_side(Ledger(path, {}), 3, 5)
    assert one.rolls == other.rolls and one.labels == other.labels
    assert sample_side(whole, 2, 5).rolls == one.rolls[: 2 * len(quick.composers)]


def test_processes_share_work_and_keep_its_order():
    threads = torch.get_num_threads()
    numbers = [3, 1, 2]
    assert list(in_processes(lambda k: numbers[k] ** 2, range(3))) == [9, 1, 4]
    assert list(in_processes(lambda k: numbers[k] ** 2, range(3), processes=2)) == [9, 1, 4]
    with pytest.raises(ZeroDivisionError):
        list(in_processes(lambda k: 1 / k, range(2), processes=2))
    torch.set_num_threads(threads)


def test_a_study_is_made_once(tmp_path):
    ledger = Ledger(tmp_path / "studies.jsonl", {})
    assert ledger.once("a", lambda: [1]) == [1]
    assert Ledger(ledger.path, {}).once("a", lambda: pytest.fail("made again")) == [1]
    assert ledger.has("a") and not ledger.has("b")
    assert ledger.once("b", lambda: {"c": 2}) == {"c": 2}


def test_real_windows_are_of_their_split(corpus):
    held, other = real_side(corpus, 2, 0), real_side(corpus, 2, 0, ("train",))
    assert not set(held.pieces) & set(other.pieces)
    assert [held.labels.count(label) for label in corpus.labels] == [2, 2]
    assert len(real_side(corpus, 10**6, 0).rolls) == sum(
        len(corpus.windows(split, label))
        for label in corpus.labels
        for split in ("validation", "test")
    )


def test_a_side_is_made_of_the_runs():
    roll = PianoRoll.from_notes([Note(60, 0, 2)], 64)
    rows = [{"composer": "Ada", "systems": {"amt": {"roll": packed_roll(roll)}}}] * 2
    side = run_side(rows, "amt")
    assert side.rolls == [roll, roll] and list(side.labels) == ["Ada"] * 2
    assert len(set(side.pieces)) == 2


def scale(count: int, steps: tuple[int, ...] = (2, 2, -1)) -> PianoRoll:
    pitches = 60 + np.cumsum(np.resize(steps, count))
    return PianoRoll.from_notes([Note(int(p), k, 0.5) for k, p in enumerate(pitches)], 256)


def test_tolerance_by_hand():
    real = Side([scale(20), scale(20)], ["Ada", "Bob"], ["a", "b"])
    near = Side([scale(22), scale(23)], ["Ada", "Bob"], ["0", "1"])
    section = tolerance_section(real, {"prism": near, "real": real})
    notes = section["statistics"]["notes"]
    assert notes["mean"] == {"reference": 20, "prism": 22.5, "real": 20}
    assert notes["within"] == {"prism": 1, "real": 2} and notes["outside"]["prism"] == ["Bob"]
    assert section["labels"] == 2 and section["windows"]["prism"] == 2
    assert set(section["statistics"]) == set(TOLERANCES) <= set(NAMES)


def test_intervals_of_lines_by_hand():
    assert line_moves(scale(4), "top").tolist() == [2, -1, 2]
    assert line_moves(scale(4), "bottom").tolist() == [-2, 1, -2]
    assert jensen_shannon(np.array([2, 2]), np.array([1, 1])) == 0
    assert jensen_shannon(np.array([1, 0]), np.array([0, 3])) == 1
    # Divergence .5·(log2(4/3)) + .25·(log2(2/3) + log2 2) = .3113
    assert jensen_shannon(np.array([1, 0]), np.array([1, 1])) == pytest.approx(0.5579, abs=1e-4)
    real = Side([scale(20)], ["Ada"], ["a"])
    leaps = Side([scale(20, (5, -5))], ["Ada"], ["0"])
    section = interval_section(real, {"prism": leaps, "real": real})
    assert section == {"top": {"prism": 1, "real": 0}, "bottom": {"prism": 1, "real": 0}}


def test_a_silent_side_has_no_intervals():
    real = Side([scale(20)], ["Ada"], ["a"])
    silent = Side([PianoRoll.empty()], ["Ada"], ["0"])
    assert interval_section(real, {"prism": silent}) == {"top": {}, "bottom": {}}
    section = tolerance_section(real, {"prism": silent})
    assert section["statistics"]["top_steps"]["within"] == {"prism": 0}
