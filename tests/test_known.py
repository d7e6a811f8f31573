"""Known beats: what stays, what is drawn to it, and rolls that go on."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import make_pipeline
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rolls

from prism.models.continuation import continued
from prism.models.known import KnownBeats
from prism.models.noise import noise_of
from prism.models.settings import GenerationSettings
from prism.music.attributes import key_index, normalising_shift
from prism.music.midi import read_midi, write_midi
from prism.music.roll import FRAMES, Note, PianoRoll
from prism.music.windows import cut, regular_metre, roll_metre

STEPS = {"num_inference_steps": 3}
FIRST_HALF = slice(0, 32)


def tune(frames: int = FRAMES, up: int = 0, **properties) -> PianoRoll:
    """C major, a note a beat, some held over; every eighth beat a bass of nine frames."""
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    notes = [Note(scale[5 * i % 8] + up, i, 1 + (i % 3) / 2) for i in range(frames // 4)]
    notes += [Note(36 + up, i, 2.25) for i in range(0, frames // 4, 8)]
    return PianoRoll.from_notes(notes, frames, **properties)


def inside(roll: PianoRoll, mask: np.ndarray) -> set[Note]:
    """The notes that begin and end among these beats, without leaving them meanwhile."""
    kept = np.repeat(mask, 4)
    columns = zip(roll.notes(), *roll.arrays()[1:3], strict=True)
    return {note for note, start, end in columns if kept[start:end].all()}


def begun(roll: PianoRoll, mask: np.ndarray) -> set[tuple]:
    """Pitch, start and velocity of the notes that begin in these beats."""
    kept = np.repeat(mask, 4)
    return {(n.pitch, n.start, n.velocity) for n in roll.notes() if kept[round(n.start * 4)]}


def hand(*rows: tuple[int, float, float]) -> PianoRoll:
    return PianoRoll.from_notes([Note(*row) for row in rows])


@pytest.mark.parametrize(
    ("known", "drawn", "joined"),
    [
        # Held over the seam at beat 32: as long as the drawn side holds it.
        ([(60, 31, 4)], [(60, 30, 3)], [(60, 31, 2)]),
        ([(60, 31, 4)], [(64, 31, 4)], [(60, 31, 1)]),
        ([(60, 31, 4)], [(60, 32, 1)], [(60, 31, 1), (60, 32, 1)]),
        # Not held over: what the drawn side holds there was never struck.
        ([(60, 31, 1)], [(60, 30, 3)], [(60, 31, 1)]),
        # Of its last frame alone something would be left: it rings on, until it is struck again.
        ([(60, 31.75, 2)], [], [(60, 31.75, 2)]),
        ([(60, 31.75, 2)], [(60, 33, 1)], [(60, 31.75, 1.25), (60, 33, 1)]),
        ([(60, 31.75, 2)], [(60, 32, 1)], [(60, 31.75, 0.25), (60, 32, 1)]),
        # Other notes of either side stay out of the other's beats.
        ([(50, 40, 1), (51, 3, 0.25)], [(52, 3, 1), (53, 40, 1)], [(51, 3, 0.25), (53, 40, 1)]),
    ],
)
def test_seams_from_known_to_drawn_by_hand(known, drawn, joined):
    assert KnownBeats.of(hand(*known), FIRST_HALF).joined(hand(*drawn)) == hand(*joined)


@pytest.mark.parametrize(
    ("known", "drawn", "joined"),
    [
        # A known note that begins among drawn beats and is held over the seam at beat 32.
        ([(60, 30, 4)], [(60, 29, 3)], [(60, 29, 5)]),
        ([(60, 30, 4)], [(64, 30, 1)], [(64, 30, 1)]),
        # A drawn one ends at the seam; of one frame nothing is left unless it had no more.
        ([], [(60, 31, 3)], [(60, 31, 1)]),
        ([], [(60, 31.75, 3)], []),
        ([], [(60, 31.75, 0.25)], [(60, 31.75, 0.25)]),
        ([(60, 32, 1)], [(60, 31.75, 3)], [(60, 32, 1)]),
    ],
)
def test_seams_from_drawn_to_known_by_hand(known, drawn, joined):
    assert KnownBeats.of(hand(*known), slice(32, 64)).joined(hand(*drawn)) == hand(*joined)


@given(rolls(), rolls(), st.lists(st.integers(0, 63), max_size=8))
@settings(max_examples=60, deadline=None)
def test_joining_leaves_what_lies_among_known_beats_as_it_is(known, drawn, beats):
    kept = KnownBeats.of(known, beats)
    joined = kept.joined(drawn)
    assert inside(known, kept.mask) <= inside(joined, kept.mask)
    assert begun(joined, kept.mask) == begun(known, kept.mask)
    assert begun(joined, ~kept.mask) <= begun(drawn, ~kept.mask)
    short = {n for n in joined.notes() if n.duration == 0.25}
    theirs = {(n.pitch, n.start) for roll in (known, drawn) for n in roll.notes()}
    before = {
        (n.pitch, n.start) for roll in (known, drawn) for n in roll.notes() if n.duration == 0.25
    }
    struck = {(n.pitch, n.start) for n in joined.notes()}
    # None is cut to one frame but by another strike of its key.
    assert (
        all((n.pitch, n.start) in before or (n.pitch, n.start + 0.25) in struck for n in short)
        and struck <= theirs
    )


@given(rolls(), rolls())
@settings(max_examples=20, deadline=None)
def test_all_beats_known_are_the_roll_itself(known, drawn):
    assert KnownBeats.of(known).joined(drawn.with_tempo(known.tempo)) == known


def test_beats_are_a_slice_a_mask_or_a_list():
    mask = np.arange(64) < 32
    same = [FIRST_HALF, mask, mask.tolist(), list(range(32)), np.arange(32), range(32)]
    assert all(np.array_equal(KnownBeats.of(tune(), beats).mask, mask) for beats in same)
    assert np.flatnonzero(KnownBeats.of(tune(), slice(-2, None)).mask).tolist() == [62, 63]
    assert not KnownBeats.of(tune(), []).mask.any()
    assert np.array_equal(KnownBeats.of(tune(130)).mask, mask)  # 32 and a half
    assert KnownBeats.of(tune(130)).roll.frames == FRAMES


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"known": tune(260)}, "known: expected a piano roll of at most 64 beats, got 65"),
        ({"known": "tune.mid"}, "known: expected a piano roll of at most 64 beats, got 'tune.mid'"),
        (
            {"known_beats": [64]},
            "known_beats: expected a slice, 64 truth values or beats from 0 to 63",
        ),
        (
            {"known_beats": [True, False]},
            r"known_beats: expected a slice, 64 .*, got \[True, False\]",
        ),
        ({"known_beats": [0.5]}, "known_beats: expected a slice"),
        ({"known_beats": 3}, "known_beats: expected a slice"),
        ({"known": tune(16), "known_beats": [4]}, "4 truth values or beats from 0 to 3"),
        (
            {"time_signature": (4, 4), "known": tune(time_signature=(3, 4))},
            "time_signature: expected nothing or 3/4, that of the known beats, got '4/4'",
        ),
        (
            {"known": None, "known_beats": [1]},
            "known: expected a piano roll of at most 64 beats, got nothing",
        ),
    ],
)
def test_what_cannot_be_known_is_told_in_a_sentence(pipeline, call, message):
    with pytest.raises(ValueError, match=message):
        pipeline("Ada", **({"known": tune()} | call))


@pytest.fixture
def keyed():
    """A tiny pipeline that draws in one key and is asked for others."""
    return make_pipeline(knowing=["density", "key"], letters=4, key_normalised=True, seed=3)


@pytest.mark.parametrize("beats", [FIRST_HALF, slice(32, 64), [*range(10), *range(20, 50)]])
def test_notes_outside_the_redrawn_beats_stay(keyed, beats):
    known = tune(up=2, tempo=90, time_signature=(3, 4))
    kept = KnownBeats.of(known, beats)
    drawn = keyed("Ada", seed=[1, 2], known=known, known_beats=beats, **STEPS).rolls
    for roll in drawn:
        assert inside(known, kept.mask) <= inside(roll, kept.mask)
        assert begun(roll, kept.mask) == begun(known, kept.mask)
        assert (roll.tempo, roll.time_signature, roll.bars) == (90, (3, 4), None)
    assert begun(drawn[0], ~kept.mask) != begun(drawn[1], ~kept.mask)


def test_same_seed_same_notes_around_known_beats_alone_or_in_a_batch(keyed):
    call = {"known": tune(up=5), "known_beats": FIRST_HALF, **STEPS}
    together = keyed("Ada", seed=[1, 2, 3], **call).rolls
    assert together == [keyed("Ada", seed=s, **call).rolls[0] for s in (1, 2, 3)]
    assert together == keyed("Ada", seed=[1, 2, 3], **call).rolls


def test_all_known_is_the_roll_itself_also_in_previews(keyed):
    known = tune(up=1, tempo=77)
    previews = list(keyed.stream(GenerationSettings("Ada", **STEPS), [1, 2], known=known))
    assert all(preview.rolls == [known] * 2 for preview in previews)
    faster = keyed("Ada", known=known, tempo=150, **STEPS).rolls
    assert faster == [known.with_tempo(150)]


def test_previews_hold_the_known_beats_and_end_with_the_result(keyed):
    known = tune()
    kept = KnownBeats.of(known, FIRST_HALF)
    chosen = GenerationSettings("Ada", seed=4, **STEPS)
    previews = list(keyed.stream(chosen, known=known, known_beats=FIRST_HALF))
    assert all(begun(p.rolls[0], kept.mask) == begun(known, kept.mask) for p in previews)
    assert (
        previews[-1].rolls
        == keyed("Ada", seed=4, known=known, known_beats=FIRST_HALF, **STEPS).rolls
    )


@pytest.mark.parametrize("up", [0, 3, 6, -4])
def test_the_known_roll_is_moved_to_where_the_model_draws(keyed, up):
    """Into C major before it is coded, and the result back from there."""
    known = tune(up=up)
    assert key_index(known) == up % 12 and normalising_shift(up % 12) in (-up, 12 - up)
    there = known.transposed(normalising_shift(up % 12))
    output = keyed("Ada", seed=1, known=known, known_beats=FIRST_HALF, **STEPS)
    plain = keyed.autoencoder.encode(
        torch.from_numpy(np.stack([there.onset, there.sustain, there.velocity / 127])[None]).float()
    )
    torch.testing.assert_close(output.latents[:, :32], plain[:, :32], atol=1e-5, rtol=1e-5)
    (drawn,) = keyed.decode(output.latents, [known.properties])
    back = drawn.transposed(-normalising_shift(up % 12))
    assert output.rolls == [KnownBeats.of(known, FIRST_HALF).joined(back)]


def watched(pipeline, monkeypatch) -> list:
    """What the transformer is called with from now on."""
    seen, forward = [], pipeline.dit.forward
    monkeypatch.setattr(pipeline.dit, "forward", lambda *a: seen.append(a) or forward(*a))
    return seen


def test_known_beats_are_at_their_place_on_the_way_and_their_own_estimate(keyed, monkeypatch):
    seen = watched(keyed, monkeypatch)
    noise = noise_of(7, (64, keyed.dit.config.latent_size))[None]
    output = keyed("Ada", seed=7, known=tune(), known_beats=FIRST_HALF, **STEPS)
    data = output.latents[:, :32]
    assert len(seen) == 3
    for x_t, t, _, metre, _, self_cond, *_, letters in seen:
        time = t[0]
        place = (1 - time) * data + time * noise[:, :32]
        torch.testing.assert_close(x_t[:, :32], place.expand(len(t), -1, -1), atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(
            self_cond[:, :32], data.expand(len(t), -1, -1), atol=1e-5, rtol=1e-5
        )
        assert np.array_equal(metre[0].numpy(), regular_metre((4, 4))) and not letters.any()
    assert not seen[0][5][:, 32:].any() and seen[1][5][:, 32:].any()


def test_the_key_is_the_known_beats_own_unless_another_is_asked_for(keyed, monkeypatch):
    seen = watched(keyed, monkeypatch)

    def told(known, **wish):
        seen.clear()
        keyed("Ada", known=known, known_beats=FIRST_HALF, attribute_scale=0, **wish, **STEPS)
        return int(seen[0][4][0, 1])

    assert list(keyed.attributes) == ["density", "key"]
    assert told(tune(up=7)) == 7
    assert told(tune(up=7), key="D major") == 2
    # The drawn half of the known roll says nothing.
    late = PianoRoll.from_notes([n for n in tune(up=7).notes() if n.start >= 32])
    assert told(late) == 24


def test_uneven_bars_of_a_known_roll_are_told(keyed, monkeypatch):
    seen = watched(keyed, monkeypatch)
    known = tune(time_signature=(4, 4), bars=(0, 12, *range(28, 256, 16)))
    roll = keyed("Ada", known=known, known_beats=FIRST_HALF, **STEPS).rolls[0]
    assert roll.bars == known.bars
    assert seen[0][3][0, :5].tolist() == [[12, 0], [12, 4], [12, 8], [16, 0], [16, 4]]


def test_cutting_by_hand():
    roll = PianoRoll.from_notes([Note(60, 0, 3), Note(62, 3, 1), Note(64, 5, 1)], 24)
    part = cut(roll, 8, 24)  # beats 2 to 8, of which 4 are left; bars begin at beats 4 and 8
    assert part.notes() == [Note(60, 0, 1), Note(62, 1, 1), Note(64, 3, 1)]
    assert part.bars == (0, 8) and roll_metre(part)[:3].tolist() == [[8, 0], [8, 4], [16, 0]]
    assert cut(roll, 16, 8).bars is None and cut(roll, 0, 24) is roll
    assert cut(roll, 0, 64).frames == 64 and cut(roll, 0, 64).notes() == roll.notes()
    assert np.array_equal(roll_metre(cut(roll, 0, 64)), regular_metre((4, 4), 64))


def test_a_first_part_is_continued_to_64_beats(keyed):
    chosen = GenerationSettings("Ada", seed=3, **STEPS)
    (roll,) = continued(keyed, tune(64), chosen)
    assert roll == keyed("Ada", seed=3, known=tune(64), **STEPS).rolls[0]
    assert roll.beats == 64 and cut(roll, 0, 64) == cut(tune(64), 0, 64)


@pytest.mark.parametrize("signature", [(4, 4), (3, 4), (9, 8), (5, 8)])
def test_rolls_go_on_to_256_beats_in_their_metre(keyed, signature):
    known = tune(time_signature=signature, tempo=90)
    chosen = GenerationSettings("Ada", seed=3, **STEPS)
    grown = list(continued(keyed, known, chosen, 200))
    assert [roll.beats for roll in grown][-1] == 200 and grown == list(
        continued(keyed, known, chosen, 200)
    )
    for before, after in zip([known, *grown], grown, strict=False):
        assert set(before.notes()) <= set(after.notes())
        assert 0 < after.beats - before.beats <= 56
    assert (grown[-1].time_signature, grown[-1].tempo, grown[-1].bars) == (signature, 90, None)
    assert all((grown[-1].onset[:, i : i + 192].any()) for i in range(256, 608, 48))
    piece = read_midi(write_midi(grown[-1]))
    assert piece.window(frames=800).notes() == grown[-1].notes()


def test_windows_after_the_first_have_seeds_of_their_own(keyed, monkeypatch):
    seeds, stream = [], keyed.stream
    monkeypatch.setattr(
        keyed, "stream", lambda s, **k: seeds.append((s.seed, k["known"].key)) or stream(s, **k)
    )
    list(continued(keyed, tune(up=2), GenerationSettings("Ada", seed=3, **STEPS), 250))
    assert len({seed for seed, _ in seeds}) == 4 and seeds[0][0] == 3
    assert {key for _, key in seeds} == {2}  # of the whole roll


def test_uneven_bars_go_on_with_the_usual_length(keyed):
    known = tune(bars=(0, 12, *range(28, 256, 16)))
    *_, roll = continued(keyed, known, GenerationSettings("Ada", **STEPS), 100)
    assert roll.bars == (0, 12, *range(28, 400, 16))


@pytest.mark.parametrize("beats", [64, 257, 0, "many"])
def test_where_it_cannot_go_on_to_is_told(keyed, beats):
    with pytest.raises(ValueError, match="beats: expected a whole number from 65 to 256, got"):
        continued(keyed, tune(), GenerationSettings("Ada"), beats)


def test_a_network_without_self_conditioning_holds_known_beats_too():
    plain = make_pipeline(self_conditioning=False)
    kept = KnownBeats.of(tune(), FIRST_HALF)
    roll = plain("Ada", known=tune(), known_beats=FIRST_HALF, **STEPS).rolls[0]
    assert begun(roll, kept.mask) == begun(tune(), kept.mask)
    assert dataclasses.replace(kept, key=3).key == 3
