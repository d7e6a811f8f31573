"""Repeats are written out as music21 writes them out, whose measures are all copied for it."""

from __future__ import annotations

import pytest
from music21 import bar, converter, repeat, spanner

from prism.corpora.music21 import corpus_root
from prism.corpora.repeats import performance


def tune(*bars: str):
    """A part in 3/4, a word of tiny notation a bar."""
    part = converter.parse(f"tinynotation: 3/4 {' '.join(bars)}")
    measures = list(part.getElementsByClass("Measure"))
    assert len(measures) == len(bars)
    return part, measures


def pitches(score) -> list[str]:
    (part,) = performance(score).parts
    return [one.nameWithOctave for _, one in part.elements if "Note" in one.classes]


def test_a_section_is_played_as_often_as_its_sign_says():
    part, measures = tune("c2.", "d2.", "e2.")
    measures[1].leftBarline = bar.Repeat(direction="start")
    measures[1].rightBarline = bar.Repeat(direction="end", times=3)
    assert pitches(part) == ["C4", "D4", "D4", "D4", "E4"]
    (played,) = performance(part).parts
    assert [one.offset for one in played.measures] == [0, 3, 6, 9, 12]
    assert [one.quarters for one in played.measures] == [3] * 5
    assert played.quarters == 15


def test_each_time_has_its_ending():
    part, measures = tune("c2.", "d2.", "e2.", "f2.")
    measures[1].rightBarline = bar.Repeat(direction="end")
    part.insert(0, spanner.RepeatBracket([measures[1]], number="1"))
    part.insert(0, spanner.RepeatBracket([measures[2]], number="2"))
    assert pitches(part) == ["C4", "D4", "C4", "E4", "F4"]


def test_back_to_the_sign_and_on_to_the_end():
    part, measures = tune("c2.", "d2.", "e2.", "f2.")
    measures[1].insert(0, repeat.Segno())
    measures[2].append(repeat.Fine())
    measures[3].append(repeat.DalSegnoAlFine())
    assert pitches(part) == ["C4", "D4", "E4", "F4", "D4", "E4"]


def test_signs_that_make_no_sense_leave_it_as_printed():
    part, measures = tune("c2.", "d2.")
    for measure in measures:
        measure.leftBarline = bar.Repeat(direction="start")
    assert pitches(part) == ["C4", "D4"]
    part, measures = tune("c2.", "d2.")
    measures[0].rightBarline = bar.Repeat(direction="end", times=9)
    assert pitches(part) == ["C4", "D4"]  # more than four times as long


def rows(placed) -> list[tuple]:
    """Offset, what it is, how long and which pitches."""
    return [
        (float(at), type(one).__name__, float(one.duration.quarterLength), str(one.pitches))
        for at, one in placed
        if "NotRest" in one.classSet
    ]


@pytest.mark.parametrize(
    "name",
    [
        "mozart/k80/movement4.mxl",  # Segno, and a pick-up that the sign makes seem longer
        "haydn/opus1no1/movement1.mxl",  # four parts, two sections
        "ryansMammoth/Neumedia.abc",  # empty measures
        "ryansMammoth/CosmopoliteReelThe.abc",  # endings
        "trecento/PMFC_04-Si dolce non sono.xml",
    ],
)
def test_it_is_what_music21_plays(name):
    score = converter.parseFile(corpus_root() / name, forceSource=True, storePickle=False)
    played, copied = performance(score), score.expandRepeats()
    for part, copy in zip(played.parts, copied.parts, strict=True):
        assert rows(part.elements) == rows((one.offset, one) for one in copy.flatten())
        bars = [(m.offset, m.duration.quarterLength) for m in copy.getElementsByClass("Measure")]
        assert [(one.offset, one.quarters) for one in part.measures] == bars
    tempi = [
        (one.offset, one.number) for one in copied.flatten().getElementsByClass("MetronomeMark")
    ]
    assert [(at, one.number) for at, one in played.marks("MetronomeMark")] == tempi
