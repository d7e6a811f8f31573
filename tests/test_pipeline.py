"""PrismPipeline: determinism, validation, previews, saving."""

import copy

import pytest
import torch
from conftest import COLLECTIONS, make_pipeline

from prism.models.hub import WeightsError
from prism.models.pipeline import PrismPipeline
from prism.models.settings import GenerationSettings
from prism.music.attributes import attribute_values, normalising_shift
from prism.music.form import LETTERS, planned_letters
from prism.music.windows import regular_metre


def test_same_seed_same_notes_alone_or_in_a_batch(pipeline):
    together = pipeline("Ada", seed=[1, 2, 3], num_inference_steps=4).rolls
    alone = [pipeline("Ada", seed=s, num_inference_steps=4).rolls[0] for s in (1, 2, 3)]
    assert together == alone
    assert together[0] != together[1]
    assert sum(len(roll.notes()) for roll in together) > 10


def test_same_notes_with_any_number_of_threads(pipeline):
    before = torch.get_num_threads()
    try:
        rolls = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            rolls.append(pipeline(["Ada", "Bob"], seed=range(3), num_inference_steps=4).rolls)
    finally:
        torch.set_num_threads(before)
    assert rolls[0] == rolls[1]


def test_stream_ends_with_the_result_of_a_call(pipeline):
    previews = list(pipeline.stream(GenerationSettings("Bob", seed=5, num_inference_steps=6)))
    assert [p.step for p in previews] == [1, 2, 3, 4, 5, 6]
    assert previews[-1].t == 0 and all(len(p.rolls) == 1 for p in previews)
    assert previews[-1].rolls == pipeline("Bob", seed=5, num_inference_steps=6).rolls


def test_callback_is_called_as_in_diffusers(pipeline):
    seen = []

    def watch(pipe, step, timestep, callback_kwargs):
        seen.append((pipe, step, timestep, callback_kwargs["latents"].shape[0]))
        return callback_kwargs

    output = pipeline("Ada", seed=[1, 2], num_inference_steps=2, callback_on_step_end=watch)
    assert seen == [(pipeline, 0, pytest.approx(2 / 3), 2), (pipeline, 1, 0.0, 2)]
    assert output.rolls == pipeline("Ada", seed=[1, 2], num_inference_steps=2).rolls


@pytest.mark.parametrize("when", [0, 1])
def test_callback_may_change_the_latents(pipeline, when):
    """Also after the last step, where they are the result."""

    def change(pipe, step, timestep, callback_kwargs):
        callback_kwargs["latents"] = callback_kwargs["latents"] * (0 if step == when else 1)
        return callback_kwargs

    output = pipeline("Ada", seed=1, num_inference_steps=2, callback_on_step_end=change)
    assert not torch.equal(output.latents, pipeline("Ada", seed=1, num_inference_steps=2).latents)
    assert when == 0 or not output.latents.any()


def test_generators_draw_the_seeds(pipeline):
    generators = [torch.Generator().manual_seed(i) for i in (3, 4)]
    output = pipeline("Ada", generator=generators, num_inference_steps=1)
    assert len(set(output.seeds)) == 2
    assert output.rolls == pipeline("Ada", seed=output.seeds, num_inference_steps=1).rolls
    again = pipeline("Ada", generator=torch.Generator().manual_seed(3), num_inference_steps=1)
    assert again.seeds == output.seeds[:1]


def test_latents_may_be_given(pipeline):
    shape = (1, pipeline.dit.config.tokens, pipeline.dit.config.latent_size)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    given = pipeline("Ada", seed=5, latents=noise, num_inference_steps=2)
    assert given.rolls == pipeline("Ada", seed=5, num_inference_steps=2).rolls
    other = pipeline("Ada", seed=5, latents=-noise, num_inference_steps=2)
    assert not torch.equal(other.latents, given.latents)


def test_a_weight_of_zero_leaves_a_composer_out(pipeline):
    mixed = pipeline(["Ada", "Bob"], composer_weights=[1, 0], seed=4, num_inference_steps=3)
    alone = pipeline("Ada", seed=4, num_inference_steps=3)
    assert mixed.rolls == alone.rolls


def test_weights_are_scaled_to_sum_to_one(pipeline):
    output = pipeline(["Ada", "Bob"], composer_weights=[3, 1], num_inference_steps=1)
    assert output.settings.composer_weights == (0.75, 0.25)


def test_guidance_of_zero_ignores_the_composer(pipeline):
    fixed = {"guidance_scale": 0, "tempo": 100, "time_signature": (4, 4), "num_inference_steps": 3}
    assert pipeline("Ada", **fixed).rolls == pipeline("Bob", **fixed).rolls


def test_tempo_and_metre_come_from_the_composer_unless_given(pipeline):
    roll = pipeline("Bob", num_inference_steps=1).rolls[0]
    assert (roll.tempo, roll.time_signature) == (160.0, (6, 8))
    given = pipeline("Bob", num_inference_steps=1, tempo=90, time_signature=(3, 4)).rolls[0]
    assert (given.tempo, given.time_signature) == (90.0, (3, 4))


def test_tempo_does_not_change_the_notes(pipeline):
    slow, fast = (pipeline("Ada", num_inference_steps=2, tempo=t).rolls[0] for t in (60, 180))
    assert slow.with_tempo(180) == fast


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"composers": []}, "composers: expected 1 to 4 labels, each once, got \\[\\]"),
        ({"composers": ["Ada", "Bob", "Cleo", "Ada", "Bob"]}, "composers: expected 1 to 4 labels"),
        ({"composers": "Zoe"}, "composers: expected some of Ada, Bob, Cleo, got 'Zoe'"),
        ({"composers": ["Ada", "Ada"]}, "each once"),
        ({"composers": ["Ada", "Bob"], "composer_weights": [0, 0]}, "at least one above 0"),
        ({"composers": ["Ada", "Bob"], "composer_weights": [1, float("nan")]}, "from 0 to 100"),
        ({"composer_weights": [1, 2]}, "composer_weights: expected 1, one a composer, got"),
        ({"structure_scale": -1}, "structure_scale: expected a number from 0 to 8, got -1"),
        ({"guidance_scale": -1}, "guidance_scale: expected a number from 0 to 8, got -1"),
        ({"guidance_scale": float("nan")}, "guidance_scale"),
        ({"num_inference_steps": 0}, "num_inference_steps: expected a whole number from 1 to 200"),
        ({"num_inference_steps": 2.5}, "num_inference_steps: expected a whole number"),
        ({"seed": "seven"}, "seed: expected a whole number from 0 to 2147483647, got 'seven'"),
        ({"seed": -1}, "seed: expected a whole number from 0"),
        ({"seed": []}, "seed: expected at least one"),
        ({"tempo": 10}, "tempo: expected a number from 20 to 400"),
        ({"time_signature": (3, 5)}, "time_signature"),
    ],
)
def test_bad_arguments_are_named(pipeline, arguments, message):
    with pytest.raises(ValueError, match=message):
        pipeline(**({"composers": "Ada"} | arguments))


def test_stream_refuses_before_its_first_step(pipeline):
    with pytest.raises(ValueError, match="composers"):
        pipeline.stream(GenerationSettings("Zoe"))


def test_save_and_load(tmp_path):
    # Files hold half precision, so only what was loaded once is exactly repeatable.
    make_pipeline().save_pretrained(tmp_path / "a")
    first = PrismPipeline.from_pretrained(tmp_path / "a")
    first.save_pretrained(tmp_path / "b")
    second = PrismPipeline.from_pretrained(tmp_path / "b")
    assert first.composers == second.composers == ["Ada", "Bob", "Cleo"]
    assert first("Ada", num_inference_steps=2).rolls == second("Ada", num_inference_steps=2).rolls


def test_missing_weights_are_explained(tmp_path):
    with pytest.raises(WeightsError, match="no Prism weights at .* prism train"):
        PrismPipeline.from_pretrained(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", ["truncate", "remove", "settings", "labels"])
def test_damaged_weights_are_explained(tmp_path, damage):
    make_pipeline().save_pretrained(tmp_path)
    weights = tmp_path / "dit" / "diffusion_pytorch_model.safetensors"
    settings = tmp_path / "prism.json"
    if damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "remove":
        weights.unlink()
    elif damage == "settings":
        settings.write_text("{")
    else:
        settings.write_text('{"labels": {}}')
    with pytest.raises(WeightsError, match="prism train|expected 3 labels"):
        PrismPipeline.from_pretrained(tmp_path)


@pytest.fixture
def wishful() -> PrismPipeline:
    """A tiny pipeline that can be asked for a key and a density."""
    pipeline = make_pipeline(knowing=["key", "density"])
    pipeline.profiles = copy.deepcopy(pipeline.profiles)
    return pipeline


FIXED = {"num_inference_steps": 3, "tempo": 100, "time_signature": (4, 4)}


def test_attributes_are_asked_for_by_name(wishful):
    assert list(wishful.attributes) == ["density", "key"]
    assert wishful.attributes["density"] == ("sparse", "medium", "dense")
    plain = wishful("Ada", **FIXED).rolls
    assert wishful("Ada", key=None, **FIXED).rolls == plain
    assert wishful("Ada", key="A minor", **FIXED).rolls != plain
    with pytest.raises(ValueError, match="key: expected one like C major or B minor, got"):
        wishful("Ada", key="H minor")


def test_a_model_without_attributes_says_so(pipeline):
    assert pipeline.attributes == {}
    with pytest.raises(ValueError, match="key: expected nothing, as this model cannot be asked"):
        pipeline("Ada", key="A minor")


def test_a_collection_is_asked_for_and_kept_with_the_weights(tmp_path):
    pipe = make_pipeline(knowing=["collection", "key"])
    pipe.save_pretrained(tmp_path)
    loaded = PrismPipeline.from_pretrained(tmp_path)
    assert loaded.attributes["collection"] == loaded.collections == COLLECTIONS
    wish = {"collection": "Dances"}
    assert loaded("Ada", **wish, **FIXED).rolls != loaded("Ada", **FIXED).rolls
    with pytest.raises(ValueError, match="expected one of Ballads, Dances, got 'Hymns'"):
        loaded("Ada", collection="Hymns")
    with pytest.raises(WeightsError, match="collections: expected 2 as in the transformer, got 1"):
        PrismPipeline(pipe.autoencoder, pipe.dit, pipe.profiles, ["Dances"])


def test_an_attribute_can_guide_without_any_composer(wishful):
    """At guidance 0 the composers drop out; the attribute's own scale is all there is."""
    wish = {"density": "dense", "guidance_scale": 0, **FIXED}
    guided = wishful("Ada", attribute_scale=1, **wish).rolls
    assert guided == wishful("Bob", attribute_scale=1, **wish).rolls
    assert guided != wishful("Ada", attribute_scale=0, **wish).rolls


def test_an_open_attribute_is_drawn_by_the_seed_where_the_profile_has_shares(wishful):
    asked = wishful("Ada", key="D major", attribute_scale=0, **FIXED).rolls
    share = [0.0] * 24
    share[2] = 1.0
    wishful.profiles["Ada"]["attributes"] = {"key": share}
    assert wishful("Ada", attribute_scale=0, **FIXED).rolls == asked
    wishful.profiles["Ada"]["attributes"] = {"key": [1 / 24] * 24}
    together = wishful("Ada", seed=range(3), **FIXED).rolls
    assert together == [wishful("Ada", seed=s, **FIXED).rolls[0] for s in range(3)]


PLANS = {
    "16": ["ABCDEFGHIJKLMNOP", "AABA" * 4, "ABCD" * 4, "AAAB" + "CDEFGHIJKLMN"],
    "12": ["AB" * 10],
}


@pytest.fixture
def formal() -> PrismPipeline:
    """A tiny pipeline that draws in one key, by plans of Ada's."""
    pipeline = make_pipeline(
        knowing=["key", "repetition"], letters=LETTERS, key_normalised=True, seed=3
    )
    pipeline.profiles = copy.deepcopy(pipeline.profiles)
    pipeline.profiles["Ada"]["plans"] = PLANS
    pipeline.profiles["Ada"]["attributes"] = {"key": [1 / 25] * 25}
    return pipeline


def watched(pipeline: PrismPipeline, monkeypatch) -> list:
    """The form letters that the transformer is told from now on."""
    seen, forward = [], pipeline.dit.forward

    def watch(*arguments):
        seen.append(arguments[7])
        return forward(*arguments)

    monkeypatch.setattr(pipeline.dit, "forward", watch)
    return seen


def test_music_moved_to_its_key_is_the_same_alone_or_in_a_batch(formal):
    together = formal("Ada", seed=range(4), num_inference_steps=3).rolls
    assert together == formal("Ada", seed=range(4), num_inference_steps=3).rolls
    assert together == [formal("Ada", seed=s, num_inference_steps=3).rolls[0] for s in range(4)]


@pytest.mark.parametrize("key", ["C major", "D major", "A minor", "E♭ minor", "B major"])
def test_a_wanted_key_is_reached_by_a_shift_after_decoding(formal, key):
    output = formal("Ada", seed=1, key=key, **FIXED)
    properties = {"tempo": 100, "time_signature": (4, 4)}
    (drawn,) = formal.decode(output.latents, [properties])
    shift = -normalising_shift(attribute_values(["key"], ())["key"].index(key))
    assert output.rolls == [drawn.transposed(shift)]
    assert (output.rolls[0] == drawn) == (key in ("C major", "A minor"))


def test_a_drawn_key_moves_the_music_as_one_asked_for_does(formal):
    share = [0.0] * 25
    share[7] = 1.0
    formal.profiles["Ada"]["attributes"] = {"key": share}
    drawn = formal("Ada", attribute_scale=0, **FIXED).rolls
    assert drawn == formal("Ada", attribute_scale=0, key="G major", **FIXED).rolls
    formal.profiles["Ada"]["attributes"] = {}
    output = formal("Ada", **FIXED)  # no key at all
    assert output.rolls == formal.decode(output.latents, [{"tempo": 100, "time_signature": (4, 4)}])


def test_a_model_of_all_keys_moves_nothing(formal):
    plain = PrismPipeline(formal.autoencoder, formal.dit, formal.profiles)
    output = plain("Ada", key="D major", **FIXED)
    properties = {"tempo": 100, "time_signature": (4, 4)}
    assert output.rolls == plain.decode(output.latents, [properties])


def test_previews_are_moved_as_the_result_is(formal):
    settings = GenerationSettings("Ada", key="E major", **FIXED)
    properties = {"tempo": 100, "time_signature": (4, 4)}
    shift = -normalising_shift(4)
    previews = list(formal.stream(settings, [0, 1]))
    assert len(previews) == 3
    for preview in previews:
        still = [formal.decode(latents[None], [properties])[0] for latents in preview.latents]
        assert preview.rolls == [roll.transposed(shift) for roll in still]
        assert preview.rolls != still
    assert previews[-1].rolls == formal("Ada", seed=[0, 1], key="E major", **FIXED).rolls


def test_plans_are_the_composers_own_of_the_bar_length(formal, monkeypatch):
    told = watched(formal, monkeypatch)
    for signature, length in (((4, 4), "16"), ((3, 4), "12")):
        metre = regular_metre(signature)
        possible = [planned_letters(plan, metre).tolist() for plan in PLANS[length]]
        told.clear()
        call = {"num_inference_steps": 1, "time_signature": signature}
        formal("Ada", seed=range(20), **call)
        assert all(rows.tolist() == [rows[0].tolist()] * len(rows) for rows in told)
        drawn = [rows[0].tolist() for rows in told]
        assert {possible.index(letters) for letters in drawn} == set(range(len(possible)))
    told.clear()
    formal("Bob", num_inference_steps=1)  # has no plans
    formal("Ada", num_inference_steps=1, time_signature=(5, 8))  # none of that length
    assert not any(letters.any() for letters in told)


@pytest.mark.parametrize(
    "wish, kept", [("none", [0]), ("little", [3]), ("some", []), ("much", [1, 2])]
)
def test_a_plan_has_the_repetition_that_is_asked_for(formal, monkeypatch, wish, kept):
    """Of 16 bars, 0, 14, 12 and 2 (12.5 %) repeat an earlier one."""
    told = watched(formal, monkeypatch)
    formal("Ada", seed=range(8), repetition=wish, num_inference_steps=1, time_signature=(4, 4))
    plans = [planned_letters(plan, regular_metre((4, 4))).tolist() for plan in PLANS["16"]]
    drawn = [letters[0].tolist() for letters in told]
    assert {plans.index(row) for row in drawn if any(row)} == set(kept)
    assert kept or not any(map(any, drawn))


def test_a_plan_changes_the_music(formal):
    planned = formal("Ada", attribute_scale=0, **FIXED).latents
    formal.profiles["Ada"]["plans"] = {}
    assert not torch.equal(formal("Ada", attribute_scale=0, **FIXED).latents, planned)


def test_key_and_plans_are_kept_with_the_weights(formal, tmp_path):
    formal.save_pretrained(tmp_path / "a")
    first = PrismPipeline.from_pretrained(tmp_path / "a")
    assert first.key_normalised and first.profiles == formal.profiles
    first.save_pretrained(tmp_path / "b")
    second = PrismPipeline.from_pretrained(tmp_path / "b")
    call = {"seed": [1, 2], "key": "D major", **FIXED}
    assert first("Ada", **call).rolls == second("Ada", **call).rolls
