"""Blind listening's handlers: what is kept of an answer, and what is shown of all of them."""

from __future__ import annotations

import gradio as gr
import pytest
from stand_ins import service_of

from prism.service.listening import PERSON, QUESTIONS, Ballot, Listening
from prism.ui.evaluate import Evaluation
from prism.ui.listening import BlindListening


@pytest.fixture
def ballot(tmp_path):
    return Ballot(tmp_path / "votes.db")


def test_votes_are_kept_and_shown_to_the_next_visitor(ballot):
    handlers = BlindListening(service_of(), ballot)
    examples = handlers.service.stored.examples
    for _ in range(2):
        visitor = Listening(examples)
        *_, (said, *_) = handlers.begin(visitor)
        assert "Which one did a person write?" in said
        real = str(list(visitor.round.pieces).index("corpus") + 1)
        *_, (said, *_) = handlers.answer(visitor, real)
        assert "Which do you like best?" in said
        *_, (said, *_) = handlers.answer(visitor, real)
        assert said.startswith(f"### Right: a person wrote number {real}\n")
        assert f"- **{real}: Real piece.** " in said
    assert [v.chosen for v in ballot.votes()] == ["corpus"] * 4
    told = Evaluation(service_of(), ballot).votes()
    # 2 of 2: Wilson's interval begins at 2 / (2 + 3.8415).
    assert "Found the real piece: 2 (95 %: 34 to 100 %) of 2 answers" in told


def test_no_round_and_no_choice_are_no_vote(ballot):
    handlers = BlindListening(service_of(), ballot)
    visitor = Listening(handlers.service.stored.examples)
    nothing = [(gr.skip(),) * 7]
    assert list(handlers.answer(visitor, "1")) == nothing
    visitor.next_round()
    for choice in (None, "4"):
        ((said, *others),) = handlers.answer(visitor, choice)
        assert said == f"### {QUESTIONS[PERSON]} Choose 1, 2 or 3 first."
        assert others == [gr.skip()] * 6
    assert visitor.round.question == PERSON
    assert ballot.votes() == []


def test_after_the_last_round_it_says_so():
    handlers, visitor = BlindListening(service_of()), Listening([])
    *_, (said, *_) = handlers.begin(visitor)
    assert said.startswith("That was the last set")
