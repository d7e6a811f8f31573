"""Sampling: cached equals plain, grammar, prompts and melodies, the pipeline."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from conftest import make_piece, random_weights

from prism.amt import events, sampler
from prism.amt.events import roll_events
from prism.amt.model import AnticipatoryTransformer
from prism.amt.pipeline import AMTPipeline
from prism.amt.prompt import prompt_roll
from prism.amt.vocabulary import DURATION_OFFSET, NOTE_OFFSET, REST
from prism.corpora.dataset import corpus_sample, prompt_sample
from prism.music.roll import FRAMES, Note, PianoRoll, top_line
from prism.music.windows import windows_of

TOLD = {"labels": 2, "composers": ["Ada", "Bob"]}
# Few events, so that a sample is quick.
SHORT = {"hurry": 100}
PIANO = {"time_step": 10, "lowest_pitch": 21, "highest_pitch": 108, "instruments": 1}


def make_model(context: int = 64, hurry: float = 600, **fields) -> AnticipatoryTransformer:
    """Random weights; `hurry` makes late times unlikely, so that samples have many events."""
    settings = PIANO | {"centiseconds_per_beat": 40} | fields
    model = AnticipatoryTransformer(width=32, depth=2, heads=2, context=context, **settings)
    random_weights(model, 3)
    with torch.no_grad():
        model.ln_f.bias.copy_(torch.linspace(-2, 2, 32))
        times = model.table.row_range(0, DURATION_OFFSET - 1)
        late = torch.linspace(0, hurry, times.stop)[:, None]
        model.wte.weight[times] = 0.3 * model.wte.weight[times] - late * model.ln_f.bias / 40
    return model


class PlainReader:
    """Reads everything anew for every token, as the published sampler does."""

    def __init__(self, model: AnticipatoryTransformer, label=None) -> None:
        self.model, self.label, self.read = model, label, []

    def restart(self, rows):
        self.read = list(rows)

    def append(self, row):
        self.read.append(row)

    def logits(self, rows, likely=()):
        hidden = self.model.hidden(torch.tensor([self.read]), label=self.label)
        return self.model.logits(hidden[0, -1], rows)


def drawn(model, start=0, end=1500, choose=None, seed=0, limit=None, **call) -> np.ndarray:
    choose = choose or sampler.nucleus(0.95, torch.Generator().manual_seed(seed))
    found = list(itertools.islice(sampler.generate(model, start, end, choose, **call), limit))
    return np.reshape(found, (-1, 3)).astype(np.int64)


@pytest.fixture(scope="module")
def model() -> AnticipatoryTransformer:
    return make_model()


@pytest.fixture(scope="module")
def quick() -> AnticipatoryTransformer:
    return make_model(**SHORT)


@pytest.fixture(scope="module")
def melody() -> np.ndarray:
    clock = np.arange(0, 1500, 70)
    return events.as_controls(events.make_events(clock, np.full(22, 30), 60 + np.arange(22)))


@pytest.mark.parametrize("accompany", [False, True])
def test_cached_equals_plain_far_beyond_the_context(model, melody, accompany):
    call = {"limit": 70} | ({"controls": melody} if accompany else {})
    for choose in (sampler.greedy, None):
        plain = drawn(model, choose=choose, reader=PlainReader(model), **call)
        assert np.array_equal(plain, drawn(model, choose=choose, **call))
        assert len(plain) > 3 * 21  # a context of 64 tokens holds 21 events


def test_the_label_is_read_again_with_every_rebuilt_cache():
    told = make_model(**TOLD)
    found = []
    for label in (None, told.label.weight[:1].detach()):
        readers = PlainReader(told, label), sampler.CachedReader(told, label)
        plain, cached = (drawn(told, end=700, reader=reader) for reader in readers)
        assert np.array_equal(plain, cached) and len(cached) > 2 * 21
        found.append(cached)
    assert not np.array_equal(*found)


@pytest.mark.parametrize("likely", [[], [7], [7, 9], [7, 8], [6, 8]])
def test_reading_ahead_changes_no_logits(model, likely):
    """7 and 8 follow: guesses that come true, halfway or not at all, or none."""
    cached, plain = sampler.CachedReader(model), PlainReader(model)
    everything = slice(0, 40)
    for reader in (cached, plain):
        reader.restart([3, 4, 5])
    for row in (7, 8, 2):
        torch.testing.assert_close(
            cached.logits(everything, likely), plain.logits(everything), atol=1e-5, rtol=1e-5
        )
        likely = []
        for reader in (cached, plain):
            reader.append(row)
    torch.testing.assert_close(
        cached.logits(everything), plain.logits(everything), atol=1e-5, rtol=1e-5
    )
    assert cached.cache.length == 6


class Recorder:
    """Notes what it is told to be likely, as tokens."""

    def __init__(self, table) -> None:
        self.tokens, self.likely = table.tokens, []

    def restart(self, rows): ...

    def append(self, row): ...

    def logits(self, rows, likely=()):
        self.likely.append(self.tokens[list(likely)].tolist())
        return torch.arange(rows.start, rows.stop)


@pytest.mark.parametrize(
    "times, guessed",
    [((0, 10, 30, 50), 70), ((0, 30, 30, 50), 50), ((0, 10, 50, 50), 50)],
    ids=["line", "after a chord", "chord"],
)
def test_what_is_likely_next(model, times, guessed):
    recorder = Recorder(model.table)
    score = sampler.EventSequence(model, recorder, events.no_events(), 0)
    wanted = [token for time in times for token in (time, DURATION_OFFSET + 20, NOTE_OFFSET + 60)]
    script = iter(model.table.rows(np.array([*wanted, *wanted[-3:]])))
    for _ in range(5):
        score.draw(0, lambda rows: int(next(script) - rows[0]))
    assert recorder.likely[:9] == [[]] * 9  # less than four events are no line yet
    assert recorder.likely[-3:] == [[guessed, DURATION_OFFSET + 20], [DURATION_OFFSET + 20], []]


def test_the_grammar_holds(model, melody):
    for controls in (None, melody):
        found = drawn(model, start=200, seed=4, controls=controls)
        arrivals = events.times(found)
        assert (np.diff(arrivals) >= 0).all() and arrivals.min() >= 200 and arrivals.max() < 1500
        assert ((found[:, 1] >= DURATION_OFFSET) & (found[:, 1] < NOTE_OFFSET)).all()
        assert ((found[:, 2] >= NOTE_OFFSET) & (found[:, 2] <= REST)).all()
        rests = found[:, 2] == REST
        assert np.array_equal(rests, found[:, 1] == DURATION_OFFSET)


def test_a_small_nucleus_is_greedy_and_a_large_one_keeps_its_shares():
    logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
    generator = torch.Generator().manual_seed(0)
    assert {sampler.nucleus(0.4, generator)(logits) for _ in range(50)} == {0}
    # 0.5 + 0.3 falls short of 0.9, so the third stays and the fourth goes.
    counts = np.bincount([sampler.nucleus(0.9, generator)(logits) for _ in range(4000)])
    assert len(counts) == 3
    assert counts / 4000 == pytest.approx(np.array([0.5, 0.3, 0.15]) / 0.95, abs=0.03)


def test_events_stop_at_the_limit(model):
    assert len(drawn(model, most_events=7, end=9000)) <= 7


def test_music_longer_than_times_can_tell():
    """At 40 cs a beat 130 s pass; the context slides although it is never full."""
    large = make_model(context=1024, hurry=40)
    found = drawn(large, end=13_000, seed=1)
    assert events.times(found).max() > 11_000


def prompt() -> PianoRoll:
    clock = range(16)
    return PianoRoll.from_notes([Note(60 + i % 5, i, 1.0) for i in clock], 64, tempo=90.0)


def test_no_prompt_note_is_in_the_result(quick):
    """The result is what was generated, every note of it after the prompt's end."""
    amt = AMTPipeline(quick)
    *_, last = amt.stream(prompt(), seed=2)
    start = 64 * 10
    before = roll_events(prompt(), 10)
    choose = sampler.nucleus(0.98, torch.Generator().manual_seed(2))
    found = drawn(quick, start, start + FRAMES * 10, choose, prompt=before)
    assert events.times(before).max() < start <= events.times(found).min()
    notes = found[~events.is_rest(found)] - [start, 0, 0]
    expected = {(int(t) // 10, int(n) - NOTE_OFFSET) for t, n in notes[:, [0, 2]]}
    pitch, first, *_ = last.roll.arrays()
    assert set(zip(first.tolist(), pitch.tolist(), strict=True)) == expected
    assert last.roll.frames == FRAMES and last.roll.tempo == 90.0


def test_the_prompt_changes_what_follows(quick):
    amt = AMTPipeline(quick)
    high = dataclasses.replace(
        prompt(),
        onset=np.roll(prompt().onset, 24, 0),
        sustain=np.roll(prompt().sustain, 24, 0),
        velocity=np.roll(prompt().velocity, 24, 0),
    )
    assert amt(prompt(), seed=1).rolls != amt(high, seed=1).rolls
    assert amt(prompt(), seed=1).rolls != amt(seed=1).rolls


def test_an_accompaniment_keeps_its_melody(quick):
    tune = top_line(PianoRoll.from_notes([Note(72, b, 1.0) for b in range(0, 64, 2)]))
    roll = AMTPipeline(quick)(melody=tune, seed=3).rolls[0]
    assert (roll.onset[72 - 21] >= tune.onset[72 - 21]).all()
    assert roll.onset.sum() > tune.onset.sum()


def test_same_seed_same_notes_alone_and_among_others(quick):
    amt = AMTPipeline(quick)
    together = amt(prompt(), seed=[5, 6]).rolls
    assert together == [amt(prompt(), seed=5).rolls[0], amt(prompt(), seed=6).rolls[0]]
    assert together[0] != together[1]


def test_it_writes_as_it_is_told():
    amt = AMTPipeline(make_model(**TOLD, **SHORT))
    with torch.no_grad():
        amt.model.label.weight.mul_(50)
    whose = [None, "Ada", ["Bob"], ["Ada", "Bob"]]
    rolls = [amt(seed=5, composers=composers).rolls[0] for composers in whose]
    assert all(a != b for a, b in itertools.combinations(rolls, 2))
    together = amt(seed=[4, 5], composers="Ada").rolls
    assert together[1] == rolls[1] and together[0] != together[1]


def test_a_mixture_is_the_weighted_mean_of_rows():
    amt = AMTPipeline(make_model(**TOLD, **SHORT))
    ada, bob, _ = amt.model.label.weight.detach()
    mixed = amt._label(["Bob", "Ada"], [3, 1])
    torch.testing.assert_close(mixed, (0.25 * ada + 0.75 * bob)[None])
    assert torch.equal(amt._label("Bob", None), bob[None])


def test_whom_a_model_does_not_know_it_cannot_be_told(model):
    told, untold = AMTPipeline(make_model(**TOLD, **SHORT)), AMTPipeline(model)
    with pytest.raises(ValueError, match="composers: expected some of Ada, Bob, got 'Eve'"):
        told.stream(composers=["Ada", "Eve"])
    with pytest.raises(ValueError, match="composers: expected none, as AMT was told none"):
        untold.stream(composers=["Ada"])
    with pytest.raises(ValueError, match="composers: expected names with the weights"):
        told.stream(composer_weights=[1])


@pytest.mark.parametrize("seed", [True, -1, 1.5, 2**31, "x"])
def test_its_seeds_are_those_of_the_page(model, seed):
    amt = AMTPipeline(model)
    for call in (amt, amt.stream):
        with pytest.raises(ValueError, match="seed: expected a whole number from 0 to 2147483647"):
            call(seed=seed)
    with pytest.raises(ValueError, match="seed: expected at least one"):
        amt(seed=[])


def in_c_major(up: int) -> PianoRoll:
    """A tune in C major, moved up."""
    tune = (60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60, 60, 64, 67, 72, 60)
    return PianoRoll.from_notes([Note(p + up, i, 1.0) for i, p in enumerate(tune)], 64)


@pytest.mark.parametrize("up", [2, -5, 6])
@pytest.mark.parametrize("given", ["prompt", "melody"])
def test_a_key_normalised_model_writes_in_c_major_and_the_key_is_put_back(given, up):
    normalised = AMTPipeline(make_model(key_normalised=True, **SHORT))
    plain = AMTPipeline(make_model(**SHORT))(**{given: in_c_major(0)}, seed=3).rolls[0]
    moved = normalised(**{given: in_c_major(up)}, seed=3).rolls[0]
    assert moved == plain.transposed(up) and plain.onset.sum() > 16


def test_without_prompt_and_melody_a_key_normalised_model_keeps_its_key():
    normalised, plain = (AMTPipeline(make_model(key_normalised=on, **SHORT)) for on in (1, 0))
    assert normalised(seed=3).rolls == plain(seed=3).rolls


def test_a_melody_is_kept_where_the_normalised_one_leaves_the_keyboard():
    """D♭ major is moved down by one, where the lowest key has no place."""
    notes = [*in_c_major(1).notes(), Note(21, 0, 1.0)]
    melody = PianoRoll.from_notes(notes, 64)
    roll = AMTPipeline(make_model(key_normalised=True, **SHORT))(melody=melody, seed=3).rolls[0]
    assert roll.onset[0, 0] and (roll.onset[:, :64] >= melody.onset).all()


def test_growth_adds_up_to_the_whole(quick):
    amt = AMTPipeline(quick)
    steps = list(amt.stream(seed=1))
    assert amt(seed=1).rolls == [steps[-1].roll]
    assert [s.notes for s in steps[:-1]] == list(range(1, len(steps)))
    assert [s.done for s in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[-1].roll == steps[-2].roll and steps[-1].beats == 64
    assert (np.diff([s.beats for s in steps]) >= 0).all()


def test_published_models_use_real_seconds():
    model = make_model(centiseconds_per_beat=0)
    amt = AMTPipeline(model, "published")
    assert amt.centiseconds_per_beat(120) == 50
    assert AMTPipeline(make_model()).centiseconds_per_beat(120) == 40
    assert next(amt.stream(seed=0, tempo=75.0)).roll.tempo == 75


def test_saved_and_loaded_it_draws_the_same(tmp_path):
    exact = AMTPipeline(make_model(**SHORT).half().float())
    exact.save_pretrained(tmp_path)
    loaded = AMTPipeline.from_pretrained(tmp_path)
    assert loaded(prompt(), seed=4).rolls == exact(prompt(), seed=4).rolls


def test_arguments_out_of_range(model):
    amt = AMTPipeline(model)
    for arguments in ({"top_p": 0}, {"top_p": 1.1}, {"tempo": -3}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            amt(**arguments)


def test_prompts_are_whole_bars():
    for signature, frames in (((4, 4), 64), ((3, 4), 60), ((6, 8), 60), ((9, 8), 54)):
        bars = np.arange(0, 2400, 96 * signature[0] // signature[1])
        window = windows_of(make_piece("a", bars=bars, time_signature=signature))[0]
        assert prompt_roll(window).frames == frames


def test_a_prompt_is_another_held_out_piece(corpus):
    for seed in range(4):
        shown = corpus_sample(corpus, ["Ada"], seed)
        other = prompt_sample(corpus, shown, seed)
        assert other.piece.identifier == "Ada-3" and shown.piece.identifier == "Ada-4"
        assert other.start_beat == 0


def test_prompts_of_the_bundled_corpus_are_never_training_music(bundled):
    training = {piece.identifier for piece in bundled.select("train")}
    for label in bundled.labels:
        for seed in range(3):
            shown = corpus_sample(bundled, [label], seed)
            other = prompt_sample(bundled, shown, seed).piece
            assert other.identifier != shown.piece.identifier and other.label == label
            assert other.identifier not in training
