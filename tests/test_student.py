"""The few-step student: whom it learns from, what it draws, and how it is kept."""

import dataclasses

import numpy as np
import pytest
import torch
from conftest import make_pipeline

from prism.models.guidance import GuidedFlow
from prism.models.hub import WeightsError
from prism.models.pipeline import PrismPipeline
from prism.models.settings import GenerationSettings
from prism.models.student import (
    STUDENT_STEPS,
    TEACHER_STEPS,
    Student,
    guidance_vector,
    update_merged,
    with_adapters,
)
from prism.music.roll import PianoRoll
from prism.training.batches import RunConfig
from prism.training.loop import Trainer
from prism.training.recipe import StageRecipe, StudentRecipe
from prism.training.run import train
from prism.training.student import Rows, StudentStage, guided, onset_f1

KNOWING = ("key", "density")
RECIPE = StudentRecipe(
    StageRecipe(steps=3, batch_size=4, learning_rate=1e-2, warmup_steps=1, evaluate_every=9),
    rank=2,
    teacher_steps=16,
)


def changed_student(pipeline: PrismPipeline) -> Student:
    """A student whose adapters do something."""
    torch.manual_seed(1)
    adapted = with_adapters(pipeline.dit, 2)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.1)
    return Student.of(adapted, pipeline.dit)


@pytest.fixture
def pipeline() -> PrismPipeline:
    pipeline = make_pipeline(knowing=KNOWING)
    pipeline.student = changed_student(pipeline)
    return pipeline


@pytest.fixture
def stage() -> StudentStage:
    return StudentStage(RECIPE, make_pipeline(knowing=KNOWING), "0" * 64)


def test_guidance_is_told_in_units_of_the_defaults(pipeline):
    usual = GenerationSettings("Ada")
    assert guidance_vector(usual, pipeline.dit) == [1, 1, 0, 0, 0]
    asked = GenerationSettings(
        "Ada", guidance_scale=3, structure_scale=0, attribute_scale=3, key="A minor", tempo=90
    )
    assert pipeline.dit.attribute_names == ("density", "key")
    assert guidance_vector(asked, pipeline.dit) == [1.5, 0, 0, 2, 0]
    metre = dataclasses.replace(usual, time_signature=(3, 4), density="dense")
    assert guidance_vector(metre, pipeline.dit) == [1, 1, 1, 0, 1]


def test_fresh_adapters_change_nothing(pipeline):
    adapted = with_adapters(pipeline.dit, 2)
    student = Student.of(adapted, pipeline.dit)
    x_t, t = torch.randn(2, 64, 8), torch.tensor([0.9, 0.4])
    labels, metre = torch.tensor([0, 1]), torch.zeros(2, 64, 2, dtype=torch.int64)
    guidance = torch.randn(2, 5)
    with torch.inference_mode():
        expected = pipeline.dit(x_t, t, labels, metre)
        shares = torch.nn.functional.one_hot(labels, pipeline.dit.config.labels + 1).float()
        for network in (adapted, student.dit):
            found = network(x_t, t, shares, metre, guidance=guidance)
            torch.testing.assert_close(found, expected)


def test_merged_weights_give_what_the_adapters_do(pipeline):
    adapted = with_adapters(pipeline.dit, 2)
    merged = Student.of(adapted, pipeline.dit).dit
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.normal_(std=0.1)
        update_merged(merged, adapted)
    given = (torch.randn(1, 64, 8), torch.tensor([0.5]), torch.tensor([1]))
    metre, guidance = torch.zeros(1, 64, 2, dtype=torch.int64), torch.randn(1, 5)
    with torch.inference_mode():
        a, b = (network(*given, metre, guidance=guidance) for network in (adapted, merged))
    torch.testing.assert_close(a, b)


def test_it_draws_what_it_was_trained_for_and_the_teacher_the_rest(pipeline):
    teacher = make_pipeline(knowing=KNOWING)
    assert pipeline("Ada", seed=1).rolls != teacher("Ada", seed=1).rolls
    assert (
        pipeline("Ada", num_inference_steps=7).rolls == teacher("Ada", num_inference_steps=7).rolls
    )
    for asked in ({"structure_scale": 3}, {"guidance_scale": 0}):
        drawn = teacher("Ada", seed=1, num_inference_steps=TEACHER_STEPS, **asked).rolls
        assert pipeline("Ada", seed=1, **asked).rolls == drawn


def test_it_draws_around_known_beats_too(pipeline):
    roll = make_pipeline(knowing=KNOWING)("Bob", seed=2).rolls[0]
    known = {"known": roll, "known_beats": slice(0, 32), "seed": 3}
    drawn = pipeline("Bob", **known).rolls[0]
    first = [note for note in roll.notes() if note.start < 31]
    assert first and first == [note for note in drawn.notes() if note.start < 31]
    teacher = make_pipeline(knowing=KNOWING)
    assert drawn != teacher("Bob", num_inference_steps=TEACHER_STEPS, **known).rolls[0]
    settings = GenerationSettings("Bob", seed=3)
    *_, last = pipeline.stream(settings, known=roll, known_beats=slice(0, 32))
    assert last.num_inference_steps == STUDENT_STEPS and last.rolls == [drawn]


def test_a_batch_is_its_items_for_mixtures_too(pipeline):
    call = {"composer_weights": [70, 30], "key": "D major", "time_signature": (3, 4)}
    together = pipeline(["Ada", "Bob"], seed=[4, 5], **call).rolls
    assert together == [pipeline(["Ada", "Bob"], seed=s, **call).rolls[0] for s in (4, 5)]


def test_it_is_saved_beside_its_teacher_and_refused_beside_another(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    once = PrismPipeline.from_pretrained(tmp_path)
    once.save_pretrained(tmp_path / "again")
    again = PrismPipeline.from_pretrained(tmp_path / "again")
    assert once("Ada", seed=6).rolls == again("Ada", seed=6).rolls
    assert once.student.teacher == again.student.teacher
    make_pipeline(1, knowing=KNOWING).dit.half().save_pretrained(tmp_path / "dit")
    with pytest.raises(WeightsError, match="another transformer.*prism train student"):
        PrismPipeline.from_pretrained(tmp_path)


def test_a_transformer_trained_anew_gets_a_new_student(pipeline, corpus, tmp_path):
    pipeline.save_pretrained(tmp_path)
    make_pipeline(1, knowing=KNOWING).dit.half().save_pretrained(tmp_path / "dit")
    recipe = dataclasses.replace(RECIPE, teacher=str(tmp_path))
    student = train(recipe, corpus, tmp_path / "run", tmp_path / "student")
    assert PrismPipeline.from_pretrained(tmp_path).student.teacher == student.teacher


def test_the_steps_taken_are_those_of_whoever_draws(pipeline):
    usual = GenerationSettings("Ada")
    assert pipeline.steps_taken(usual) == STUDENT_STEPS
    assert pipeline.steps_taken(dataclasses.replace(usual, num_inference_steps=24)) == 24
    assert pipeline.steps_taken(dataclasses.replace(usual, guidance_scale=0)) == TEACHER_STEPS
    assert make_pipeline().steps_taken(usual) == TEACHER_STEPS


@pytest.mark.parametrize("t", [0.9, 0.5, 0.1])
def test_the_teacher_of_a_batch_guides_as_the_sampler_does(stage, t):
    noise, _, metre, attributes, letters, _, _, *rows = stage.draw(0, slice(None))
    rows, none = Rows(*rows), torch.zeros_like(noise)
    with torch.no_grad():
        times = torch.full((len(noise),), t)
        found = guided(stage.teacher, rows, noise, times, metre, letters, none)
    for i in range(len(noise)):
        settings, one = stage._settings(0, i), slice(i, i + 1)
        labels = [stage.pipeline.composers.index(name) for name in settings.composers]
        flow = GuidedFlow(
            stage.teacher, settings, labels, metre[one], attributes[one], letters[one]
        )
        torch.testing.assert_close(found[one], flow(noise[one], t), rtol=1e-3, atol=1e-4)


def test_a_batch_in_parts_is_the_batch(stage):
    whole = stage.draw(2, slice(None))
    parts = [stage.draw(2, rows) for rows in (slice(0, 2), slice(2, 4))]
    for k in range(7):  # the rest is the teacher's rows, which each part numbers itself
        assert torch.equal(whole[k], torch.cat([part[k] for part in parts]))
    losses = [stage.batch_loss(stage.network, part).item() for part in parts]
    assert stage.batch_loss(stage.network, whole).item() == pytest.approx(sum(losses) / 2, rel=1e-3)


def test_the_last_mean_flow_is_the_teacher_s_way(stage):
    """By hand: of one step the student's target is (x − x') / (t − t') of the teacher's steps."""
    batch = stage.draw(1, slice(0, 1))
    noise, _, metre, attributes, letters, _, _, *rows = batch
    settings = stage._settings(1, 0)
    pipe = stage.pipeline
    states = list(pipe.stream(dataclasses.replace(settings, num_inference_steps=16), latents=noise))
    times = torch.tensor([1.0, states[1].t])
    first = torch.zeros(1, dtype=torch.int64)
    told = Rows(*rows), metre, letters
    with torch.no_grad():
        mean = stage._mean_flow(noise, torch.zeros_like(noise), first, _steps(times), *told)
    flow = GuidedFlow(
        stage.teacher,
        settings,
        [pipe.composers.index(name) for name in settings.composers],
        *(metre, attributes, letters),
    )
    x, reached = noise, [1.0, states[0].t, states[1].t]
    for t, t_next in zip(reached[:-1], reached[1:], strict=True):
        x = x + (t_next - t) * flow(x, t)
    torch.testing.assert_close(mean, (noise - x) / (1 - reached[2]), rtol=1e-3, atol=1e-4)


def _steps(times: torch.Tensor) -> torch.Tensor:
    """As many times as the student has, of which the first two count."""
    return torch.cat([times, torch.zeros(STUDENT_STEPS - 1)])


def test_training_brings_it_nearer_and_goes_on_where_it_was_stopped(corpus, tmp_path):
    teacher = make_pipeline(knowing=KNOWING)
    teacher.save_pretrained(tmp_path / "teacher")
    recipe = dataclasses.replace(RECIPE, teacher=str(tmp_path / "teacher"))
    student = train(recipe, corpus, tmp_path / "run", tmp_path / "weights")
    pipeline = PrismPipeline.from_pretrained(tmp_path / "teacher")
    stage = StudentStage(recipe, pipeline, corpus.digest)
    Trainer(stage, tmp_path / "stopped", RunConfig()).run(stop_after=2)
    resumed = train(recipe, corpus, tmp_path / "stopped", tmp_path / "other")
    assert all(torch.equal(student.state[k], resumed.state[k]) for k in student.state)
    loaded = Student.load(tmp_path / "weights", pipeline.dit)
    assert all(torch.equal(student.state[k], loaded.state[k]) for k in student.state)
    assert (tmp_path / "weights" / "training.json").is_file()


def struck(*places: tuple[int, int]) -> PianoRoll:
    """A roll with a note of one frame at each (key, frame)."""
    onset = np.zeros((88, 256), bool)
    for place in places:
        onset[place] = True
    held = np.zeros_like(onset)
    return PianoRoll(onset, held, (80 * onset).astype(np.uint8), tempo=80, time_signature=(4, 4))


def test_onset_f1_by_hand():
    roll, silent = struck((40, 0), (42, 4), (44, 8)), struck()
    assert onset_f1(roll, roll) == onset_f1(silent, silent) == 1
    assert onset_f1(roll, silent) == 0
    # Two onsets are shared; there are three and four.
    other = struck((40, 0), (42, 4), (45, 8), (46, 12))
    assert onset_f1(roll, other) == pytest.approx(4 / 7)
