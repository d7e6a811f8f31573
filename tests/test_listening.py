"""Blind listening below the page: shuffling, equal loudness, votes and their tally."""

from __future__ import annotations

import collections
import concurrent.futures
import random

import numpy as np
import pytest

from prism.cli import main
from prism.service import listening
from prism.service.bundle import open_bundle
from prism.service.examples import read_examples
from prism.service.listening import Ballot, Listening, Vote, equally_loud, tally, tally_words

EXAMPLES = read_examples(open_bundle().path("examples")).examples


@pytest.fixture
def silent(monkeypatch):
    """No synthesiser: a sound is a second of a constant, softer with every piece."""
    levels = iter(range(100, 0, -1))
    monkeypatch.setattr(
        listening, "synthesise", lambda roll: np.full(1000, next(levels) / 100, np.float32)
    )


def test_every_order_comes_up_and_no_round_comes_twice(silent):
    orders, music = collections.Counter(), []
    for seed in range(10):
        visitor = Listening(EXAMPLES, random.Random(seed))
        while now := visitor.next_round():
            orders[tuple(now.pieces)] += 1
            music.append(now.music)
    assert len(orders) == 6
    assert set(collections.Counter(music).values()) == {10}
    assert "A Bach chorale" not in music  # it stands on the page with its names


def test_lanes_tell_nothing_until_they_are_revealed(silent):
    now = Listening(EXAMPLES, random.Random(1)).next_round()
    told = [
        (p.kind, p.title, p.detail, p.caption, p.name, p.lines, p.files["wav"].name)
        for p in now.lanes
    ]
    assert told == [("", n, "", "", n, (), f"{n}.wav") for n in "123"]
    assert len({(p.roll.tempo, p.roll.velocity.max()) for p in now.lanes}) == 1
    assert [p.title for p in now.revealed()] == [p.title for p in now.pieces.values()]


def test_answers_are_the_sources_behind_the_lanes(silent):
    now = Listening(EXAMPLES, random.Random(2)).next_round()
    order = list(now.pieces)
    assert now.question == "person"
    assert now.answer("person", 3)[1:] == ("person", now.music, 3, order[2])
    assert now.question == "best"
    now.answer("best", 1)
    assert now.question is None
    assert now.answers == {"person": order[2], "best": order[0]}


def test_all_sounds_get_the_level_of_the_softest():
    loud, soft = np.array([0.8, -0.8]), np.array([0.2, 0.0, -0.2, 0.0])  # RMS 0.8 and √0.02
    made, kept, silence = equally_loud([loud, soft, np.zeros(3)])
    assert made == pytest.approx([0.02**0.5, -(0.02**0.5)])
    assert kept == pytest.approx(soft)
    assert not silence.any()


def test_shares_have_wilson_intervals_worked_by_hand():
    # 1 of 2, z² = 3.8415: the middle is 1/2, the half width 1.96 / 2 / √(2 + 3.8415) = 0.4055.
    votes = [Vote(str(n), "person", "m", 1, who) for n, who in enumerate(("corpus", "amt"))]
    total, chosen = tally(votes, "person")
    assert total == 2
    assert chosen["corpus"] == (1, pytest.approx((0.0945, 0.9055), abs=1e-4))
    # None of 2: from 0 to z² / (2 + z²) = 0.6576.
    assert chosen["prism"] == (0, pytest.approx((0, 0.6576), abs=1e-4))
    assert "1 (95 %: 9 to 91 %) of 2 answers" in tally_words(votes)
    assert "0 (95 %: 0 to 100 %) of 0 answers" in tally_words([])
    assert " of 1 answer; " in tally_words(votes[:1])


def test_a_class_votes_at_once_and_every_vote_counts_once(tmp_path):
    path = tmp_path / "votes.db"

    def vote_all(voter: int) -> None:
        ballot = Ballot(path)
        for number in range(50):
            # Every vote is sent twice, the second time with another answer.
            for chosen in ("prism", "amt"):
                ballot.add(Vote(f"{voter}-{number}", "best", "m", 1, chosen))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(vote_all, range(8)))
    votes = Ballot(path).votes()
    assert {v.round for v in votes} == {f"{v}-{n}" for v in range(8) for n in range(50)}
    assert tally(votes, "best")[1]["prism"][0] == len(votes) == 400


def test_votes_are_exported_as_csv(tmp_path, capsys):
    path = tmp_path / "votes.db"
    Ballot(path).add(Vote("r", "best", "One, two", 2, "amt"))
    assert main(["votes", str(path)]) == 0
    assert capsys.readouterr().out == 'round,question,music,lane,chosen\nr,best,"One, two",2,amt\n'
    assert main(["votes", str(tmp_path / "none.db")]) == 2
    assert "PRISM_VOTES" in capsys.readouterr().err
    assert not (tmp_path / "none.db").exists()
