"""The guided flow: what its rows are given, and how estimates are handed on."""

import pytest
import torch
from conftest import make_pipeline

from prism.models.guidance import STRUCTURE_FROM, STRUCTURE_UNTIL, GuidedFlow, nearby
from prism.models.settings import GenerationSettings
from prism.music.windows import regular_metre

METRE = torch.zeros(2, 64, 2, dtype=torch.int64)
NO_WISHES = torch.zeros(2, 0, dtype=torch.int64)
NO_LETTERS = torch.zeros(2, 64, dtype=torch.int64)


def guided_flow(pipeline, wishes=NO_WISHES, metre=METRE, letters=NO_LETTERS, **call) -> GuidedFlow:
    settings = GenerationSettings(**{"composers": "Ada", "structure_scale": 0, **call})
    labels = [pipeline.composers.index(name) for name in settings.composers]
    return GuidedFlow(pipeline.dit, settings, labels, metre, wishes, letters)


def noise(seed: int = 0) -> torch.Tensor:
    return torch.randn(2, 64, 8, generator=torch.Generator().manual_seed(seed))


def test_guidance_by_hand():
    pipeline, latents, t = make_pipeline(self_conditioning=False), noise(), torch.full((2,), 0.7)
    dit, ada = pipeline.dit, pipeline.composers.index("Ada")
    with torch.no_grad():
        by = dit(latents, t, torch.full((2,), ada), METRE)
        free = dit(latents, t, torch.full((2,), dit.null_label), METRE)
    flow = guided_flow(pipeline, guidance_scale=3)(latents, 0.7)
    torch.testing.assert_close(flow, free + 3 * (by - free))


def test_nearby_by_hand():
    assert nearby(4, reach=1).int().tolist() == [
        [1, 1, 0, 0],
        [1, 1, 1, 0],
        [0, 1, 1, 1],
        [0, 0, 1, 1],
    ]


def test_structure_by_hand():
    pipeline, latents, t = make_pipeline(self_conditioning=False), noise(), torch.full((2,), 0.6)
    null = torch.full((2,), pipeline.dit.null_label)
    with torch.no_grad():
        free = pipeline.dit(latents, t, null, METRE)
        near = pipeline.dit(latents, t, null, METRE, attention_mask=nearby(64).expand(2, -1, -1))
    assert (free - near).abs().max() > 1e-3
    plain = guided_flow(pipeline)(latents, 0.6)
    flow = guided_flow(pipeline, structure_scale=1.5)(latents, 0.6)
    torch.testing.assert_close(flow, plain + 1.5 * (free - near))


@pytest.mark.parametrize("t", [STRUCTURE_FROM + 0.01, STRUCTURE_UNTIL - 0.01])
def test_structure_is_left_to_chance_at_first_and_settled_at_last(t):
    pipeline = make_pipeline()
    plain = guided_flow(pipeline)(noise(), t)
    torch.testing.assert_close(guided_flow(pipeline, structure_scale=1)(noise(), t), plain)


def test_a_metre_that_is_asked_for_is_led_towards_on_its_own():
    pipeline = make_pipeline(self_conditioning=False)
    latents, t, null = noise(), torch.full((2,), 0.4), torch.full((2,), pipeline.dit.null_label)
    metre = torch.from_numpy(regular_metre((3, 4))).expand(2, -1, -1)
    with torch.no_grad():
        told = pipeline.dit(latents, t, null, metre)
        untold = pipeline.dit(latents, t, null, torch.zeros_like(metre))
    asked = {"time_signature": (3, 4), "guidance_scale": 0.0, "metre": metre}
    flow = guided_flow(pipeline, attribute_scale=2, **asked)(latents, 0.4)
    torch.testing.assert_close(flow, told + 2 * (told - untold))
    assert (told - untold).abs().max() > 1e-3
    for unasked in ({"attribute_scale": 0}, {"time_signature": None}):
        flow = guided_flow(pipeline, **(asked | unasked))(latents, 0.4)
        torch.testing.assert_close(flow, told)


def test_attributes_and_metre_on_their_own_and_structure_together():
    pipeline = make_pipeline(knowing=["density"], self_conditioning=False)
    wish = {"density": "dense", "attribute_scale": 2.0, "time_signature": (4, 4)}
    wishes = torch.full((2, 1), 2)
    request = {"guidance_scale": 0.0, **wish}
    both = guided_flow(pipeline, wishes, structure_scale=1, **request)(noise(), 0.5)
    alone = guided_flow(pipeline, wishes, **request)(noise(), 0.5)
    structure = guided_flow(pipeline, wishes, guidance_scale=0, structure_scale=1)(noise(), 0.5)
    free = guided_flow(pipeline, wishes, guidance_scale=0)(noise(), 0.5)
    torch.testing.assert_close(both - alone, structure - free)
    assert (alone - free).abs().max() > 1e-3


def test_a_second_evaluation_is_given_the_estimate_of_the_first():
    pipeline, flow = make_pipeline(), guided_flow(make_pipeline(), guidance_scale=1)
    first = flow(noise(), 0.8)
    second = flow(noise(1), 0.6)
    labels = torch.full((2,), pipeline.composers.index("Ada"))
    with torch.no_grad():
        t = torch.full((2,), 0.6)
        expected = pipeline.dit(noise(1), t, labels, METRE, self_cond=noise() - 0.8 * first)
        without = pipeline.dit(noise(1), t, labels, METRE)
    torch.testing.assert_close(second, expected)
    assert (second - without).abs().max() > 1e-3


def test_a_flow_of_its_own_remembers_nothing():
    pipeline = make_pipeline()
    fresh = guided_flow(pipeline)(noise(1), 0.6)
    used = guided_flow(pipeline)
    used(noise(), 0.8)
    assert torch.equal(guided_flow(pipeline)(noise(1), 0.6), fresh)
    assert not torch.equal(used(noise(1), 0.6), fresh)


@pytest.mark.parametrize("weights", [[1, 0.5], [0.2, 0.8]])
def test_composers_share_the_guidance_by_weight(weights):
    pipeline = make_pipeline(self_conditioning=False)
    parts = [guided_flow(pipeline, composers=name)(noise(), 0.5) for name in ("Ada", "Bob")]
    flow = guided_flow(pipeline, composers=["Ada", "Bob"], composer_weights=weights)
    a, b = (weight / sum(weights) for weight in weights)
    torch.testing.assert_close(flow(noise(), 0.5), a * parts[0] + b * parts[1])


def test_letters_are_told_in_every_row():
    pipeline = make_pipeline(self_conditioning=False, letters=4)
    latents, t = noise(), torch.full((2,), 0.5)
    letters = torch.stack([torch.arange(64) // 4 % 5, torch.arange(64) // 8 % 3])
    ada, null = pipeline.composers.index("Ada"), pipeline.dit.null_label
    near = nearby(64).expand(2, -1, -1)

    def flow(label, **heard):
        labels = torch.full((2,), label)
        with torch.no_grad():
            return pipeline.dit(latents, t, labels, METRE, letters=letters, **heard)

    free = flow(null)
    expected = free + 3 * (flow(ada) - free) + 1.5 * (free - flow(null, attention_mask=near))
    request = {"guidance_scale": 3, "structure_scale": 1.5}
    found = guided_flow(pipeline, letters=letters, **request)(latents, 0.5)
    torch.testing.assert_close(found, expected)
    assert (found - guided_flow(pipeline, **request)(latents, 0.5)).abs().max() > 1e-3
