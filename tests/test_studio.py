"""Pieces in several drawings: kept bars, beats beyond the 64th, bars redrawn, by Prism or AMT."""

import dataclasses

import numpy as np
import pytest
from conftest import make_piece, make_pipeline
from stand_ins import Page, choice_of, controls_of, service_of
from test_amt_sampler import SHORT, TOLD, make_model
from test_known import STEPS, begun, inside, tune

from prism.amt.pipeline import AMTPipeline
from prism.amt.studio import Studio
from prism.models.conditions import Conditions
from prism.models.known import KnownBeats
from prism.models.settings import GenerationSettings
from prism.music.roll import PianoRoll, top_line
from prism.music.windows import cut
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.scheduler import Scheduler
from prism.service.service import Service
from prism.service.sources import PrismSource, Progress
from prism.service.upload import OwnPiece

CALL = {"composers": "Ada", "time_signature": (4, 4), "seed": 1, **STEPS}


@pytest.fixture(scope="module")
def studio() -> Studio:
    prism = make_pipeline(knowing=["density", "key"], letters=16, key_normalised=True, seed=3)
    return Studio(prism, AMTPipeline(make_model(context=768, **TOLD, **SHORT)))


def drawn(studio: Studio, kept: PianoRoll | None = None, **settings) -> PianoRoll:
    *_, last = studio.drafts(GenerationSettings(**CALL | settings), kept)
    assert last.last
    return last.roll


def bars(*parts: tuple[int, int], beats: int = 64) -> np.ndarray:
    """Which beats lie in these bars of 4/4."""
    place = np.arange(beats) // 4 + 1
    return np.any([(place >= first) & (place <= last) for first, last in parts], axis=0)


@pytest.mark.parametrize("by", ["amt", "form"])
def test_other_bars_stay_where_amt_draws(studio, by):
    base = drawn(studio)
    one, other = (drawn(studio, redraw=f"9-12:{seed}:{by}") for seed in (77, 78))
    kept = ~bars((9, 12))
    for roll in (one, other):
        assert inside(base, kept) <= inside(roll, kept)
        assert begun(roll, kept) == begun(base, kept)
    assert begun(one, ~kept) != begun(other, ~kept)
    assert one != drawn(studio, redraw="9-12:77")
    assert one == drawn(studio, redraw=f"9-12:77:{by}")


def test_inside_prisms_form_its_melody_stays(studio):
    by_prism, by_both = (drawn(studio, redraw=f"9-12:77{by}") for by in ("", ":form"))
    there = bars((9, 12))
    melody = {(p, s) for p, s, _ in begun(top_line(by_prism), there)}
    assert melody and melody < {(p, s) for p, s, _ in begun(by_both, there)}
    alone = {(p, s) for p, s, _ in begun(drawn(studio, redraw="9-12:77:amt"), there)}
    assert not melody <= alone


def test_amt_is_told_the_composers_it_knows(studio, monkeypatch):
    calls, stream = [], studio.amt.stream
    monkeypatch.setattr(studio.amt, "stream", lambda **call: calls.append(call) or stream(**call))
    drawn(studio, redraw="9:7:amt")
    drawn(studio, composers=["Ada", "Cleo"], redraw="9:7:amt")
    assert [call.get("composers") for call in calls] == [("Ada",), None]


def test_a_longer_piece_begins_with_the_shorter_one(studio):
    short, settings = drawn(studio), GenerationSettings(**CALL, beats=150)
    drafts = list(studio.drafts(settings))
    whole = [draft.roll for draft in drafts if draft.done]
    assert [roll.beats for roll in whole] == [64, 112, 150]
    assert [draft.last for draft in drafts] == [False] * (len(drafts) - 1) + [True]
    assert whole[0] == short and drawn(studio, beats=150) == whole[-1]
    for before, after in zip(whole, whole[1:], strict=False):
        assert before.notes() == cut(after, 0, before.frames).notes()
    assert drafts[-1].words == "step 3 of 3, beyond beat 112"


@pytest.mark.parametrize("edit", ["20-22:5", "30-35:5:amt", "1-3:5", "38:5", "21-35:5"])
def test_bars_of_a_longer_piece_are_redrawn_alone(studio, edit):
    base, after = drawn(studio, beats=150), drawn(studio, beats=150, redraw=edit)
    first, _, last = edit.partition(":")[0].partition("-")
    kept = ~bars((int(first), int(last or first)), beats=150)
    assert inside(base, kept) <= inside(after, kept)
    assert begun(after, kept) == begun(base, kept)
    assert begun(after, ~kept) != begun(base, ~kept)
    assert (after.beats, after.bars, after.tempo) == (base.beats, base.bars, base.tempo)


def test_the_window_around_what_is_redrawn_by_hand():
    def window(first: int, last: int, **properties) -> tuple[int, list[int]]:
        known = KnownBeats.all_but(tune(600, **properties), first, last)
        start, part = known.window()
        return start, np.flatnonzero(~part.frames)[[0, -1]].tolist()

    assert window(20, 21) == (192, [112, 143])  # as many frames before as after
    assert window(1, 4) == (0, [0, 63])
    assert window(37, 38) == (344, [232, 255])  # the last 64 beats
    # In 9/8 every other bar line is on a beat.
    assert window(13, 13, time_signature=(9, 8)) == (108, [108, 125])
    known = KnownBeats.all_but(tune(), 3, 4)
    assert known.window() == (0, known)


@pytest.mark.parametrize("by", ["prism", "amt", "form"])
@pytest.mark.parametrize("parts", ["1-8", "1-4,13-16", "5-6"])
def test_kept_bars_stay_and_the_rest_is_drawn(studio, parts, by):
    known = tune(up=2, tempo=90)
    roll, other = (drawn(studio, known, keep=f"real:{parts}:{seed}:{by}") for seed in (7, 8))
    kept = bars(*GenerationSettings("Ada", keep=f"real:{parts}").kept.parts)
    assert inside(known, kept) <= inside(roll, kept)
    assert begun(roll, kept) == begun(known, kept)
    assert begun(roll, ~kept) != begun(other, ~kept)
    assert (roll.beats, roll.tempo) == (64, 90)


def test_kept_bars_may_be_longer_than_a_window(studio):
    known = tune(480)
    roll = drawn(studio, known, keep="yours:1-30", beats=200)
    assert roll.beats == 200 and cut(roll, 0, 480).notes() == known.notes()
    # All of 64 beats are kept where it goes on.
    assert cut(drawn(studio, tune(), keep="amt:1-16", beats=80), 0).notes() == tune().notes()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"keep": "real:1-16"}, "keep: expected bars that end before beat 64; keep fewer, or ask"),
        ({"keep": "real:1-17"}, "keep: expected bars from 1 to 16, as there are no others"),
        ({"keep": "real:1-2", "time_signature": (3, 4)}, "time_signature: expected nothing or 4/4"),
        ({"redraw": "1-17:3"}, "redraw: expected bars from 1 to 16"),
        ({"redraw": "1-17:3", "beats": 128}, "redraw: expected at most 64 beats at once, got 68"),
    ],
)
def test_what_cannot_be_drawn_is_told(studio, settings, told):
    with pytest.raises(ValueError, match=told):
        drawn(studio, tune(), **settings)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"redraw": "1:3:amt"}, "redraw: expected bars that Prism draws here"),
        ({"keep": "real:1-3"}, "keep: expected nothing here"),
        ({"beats": 128}, "beats: expected 64 here"),
    ],
)
def test_a_pipeline_alone_says_what_it_cannot(studio, settings, told):
    with pytest.raises(ValueError, match=told):
        studio.prism(**CALL | settings)
    if "redraw" in settings:
        with pytest.raises(ValueError, match="as AMT is not here"):
            drawn(Studio(studio.prism), **settings)


def test_a_form_is_told_in_the_first_window_alone(studio, monkeypatch):
    seen, call = [], Conditions.__call__
    monkeypatch.setattr(Conditions, "__call__", lambda *a: seen.append(call(*a)) or seen[-1])
    drawn(studio, form="aaba", beats=128)
    letters = [told[3].reshape(16, 4)[:, 0].tolist() for told in seen]
    assert letters[0] == [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4]
    assert not np.any(letters[1:])
    with pytest.raises(ValueError, match="form: expected nothing, as this model cannot be asked"):
        make_pipeline()("Ada", form="AB")


# ---- in the service and on the page's side ----


@pytest.fixture(scope="module")
def service() -> Service:
    return service_of()


def filled(service: Service, own: OwnPiece | None = None, **settings):
    *_, done = service.fill("prism", choice_of(num_inference_steps=2, **settings), own=own)
    return done.piece


def own_piece(**fields) -> OwnPiece:
    return OwnPiece(make_piece("mine", **fields), "ab12")


def test_bars_of_the_real_piece_and_of_amts_are_kept(service):
    for lane, source in (("corpus", "real"), ("amt", "amt")):
        piece = filled(service, keep=f"{source}:1-4:5")
        *_, other = service.fill(lane, choice_of(num_inference_steps=2))
        kept = bars((1, 4))
        assert begun(piece.roll, kept) == begun(other.piece.roll, kept)
        assert f"keeps bars 1-4 of {other.piece.title}" in piece.detail
        assert piece.caption.startswith(f"Bars 1-4 are kept from {other.piece.title}; Prism's")
        assert set(other.piece.lines) < set(piece.lines)
        assert not any(line.startswith("Generated by Prism.") for line in piece.lines)
        assert piece.name.startswith("prism-Ada-") and "-bars-1-4-seed-1-5-" in piece.name


def test_a_visitors_own_bars_are_kept_for_this_visitor_alone(service):
    own = own_piece()
    piece = filled(service, own, keep="yours:1-4:5")
    assert begun(piece.roll, bars((1, 4))) == begun(own.shown().roll, bars((1, 4)))
    named = service.owned(choice_of(keep="yours:1-4:5"), own)
    assert named.keep == f"yours-{own.token}:1-4:5"
    # Lanes that have nothing to do with it do not need it.
    for lane in ("corpus", "amt"):
        *_, done = service.fill(lane, named)
        assert done.done
    *_, done = service.fill("amt", dataclasses.replace(named, amt_start="melody"), own=own)
    assert done.done
    other = own_piece(seed=3)
    for theirs in (None, dataclasses.replace(other, digest="cd34"), own.at(2)):
        with pytest.raises(ValueError, match="keep: expected bars of your own MIDI file, which"):
            filled(service, theirs, keep=named.keep)


def test_bars_that_may_not_be_passed_on_are_not_kept():
    hidden = ShownPiece("", "", "", "", "x", tune(), withheld="Not passed on.")
    source = PrismSource(
        Loader(make_pipeline), Scheduler(), lane=lambda name, settings: iter([Progress(hidden)])
    )
    with pytest.raises(ValueError, match="keep: expected bars of amt or of your own file, as real"):
        source.piece(choice_of(keep="real:1-4"))


def test_the_beginning_of_a_longer_piece_can_be_heard_before_the_rest_is_there(service):
    settings = choice_of(num_inference_steps=2, beats=128, seed=11)
    news = list(service.fill("prism", settings))
    heard = [p for p in news if p.piece and p.piece.files and not p.done]
    assert heard and heard[0].piece.roll.beats == 64 and heard[-1].piece.roll.beats == 128
    assert len({p.piece.files["wav"] for p in heard}) == 1
    done = news[-1].piece
    assert news[-1].done and done.files["wav"] != heard[0].piece.files["wav"]
    assert "128 beats" in done.detail and "beats: 128" in done.lines
    scores = service.scores({"corpus": filled(service), "prism": done})
    assert scores == service.scores({"corpus": filled(service), "prism": heard[0].piece})


def test_a_mistake_in_what_is_kept_is_told_in_the_status():
    page = Page(service_of())
    with pytest.raises(Exception, match="your own MIDI file"):
        page.begin(*controls_of(keep="yours:1-8"))
    page.begin(*controls_of(keep="real:1-16:3"))
    with pytest.raises(Exception, match="keep: expected bars that end before beat 64"):
        page.fill("prism")
