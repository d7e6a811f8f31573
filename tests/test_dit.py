"""PrismDiT: initialisation, conditioning and invariants."""

import pytest
import torch
from conftest import random_weights

from prism.models.dit import SIZES, PrismDiT, rotary_tables, rotate
from prism.models.guidance import nearby
from prism.music.windows import regular_metre


def arguments(batch: int = 2, seed: int = 0) -> dict:
    generator = torch.Generator().manual_seed(seed)
    metre = torch.from_numpy(regular_metre((3, 4))).expand(batch, -1, -1)
    return {
        "x_t": torch.randn(batch, 64, 8, generator=generator),
        "t": torch.rand(batch, generator=generator),
        "labels": torch.arange(batch) % 4,
        "metre": metre,
    }


def tiny(randomise: bool = True) -> PrismDiT:
    model = PrismDiT(labels=3, latent_size=8, width=32, depth=2, heads=2)
    return random_weights(model) if randomise else model.eval()


def test_a_new_model_predicts_zero():
    assert not tiny(randomise=False)(**arguments()).any()


@pytest.mark.parametrize(
    "name, change",
    [
        ("t", lambda t: 1 - t),
        ("labels", lambda labels: labels + 1),
        ("metre", lambda metre: metre * 0),
    ],
)
def test_every_condition_matters(name, change):
    model, given = tiny(), arguments()
    other = {**given, name: change(given[name])}
    assert (model(**given) - model(**other)).abs().max() > 1e-3


def test_attributes_are_conditions_of_their_own():
    model = PrismDiT(
        labels=3, latent_size=8, width=32, depth=2, heads=2, attributes={"key": 24, "density": 3}
    )
    random_weights(model)
    given = arguments()
    open_ended = model(**given)
    nulls = torch.tensor([[3, 24], [3, 24]])
    assert torch.equal(open_ended, model(**given, attributes=nulls))
    seen = [open_ended]
    for wish in ([3, 5], [1, 24], [1, 5], [1, 6]):
        flow = model(**given, attributes=torch.tensor([wish, wish]))
        assert all((flow - other).abs().max() > 1e-3 for other in seen)
        seen.append(flow)


def test_an_estimate_matters_and_zeros_are_none():
    model = PrismDiT(labels=3, latent_size=8, width=32, depth=2, heads=2, self_conditioning=True)
    random_weights(model)
    given, estimate = arguments(), torch.ones(2, 64, 8)
    plain = model(**given)
    assert torch.equal(plain, model(**given, self_cond=0 * estimate))
    assert (plain - model(**given, self_cond=estimate)).abs().max() > 1e-3


def formal(**settings) -> PrismDiT:
    """A tiny model that knows four form letters."""
    model = PrismDiT(labels=3, latent_size=8, width=32, depth=2, heads=2, letters=4, **settings)
    return random_weights(model)


def test_letters_matter_and_zeros_are_none():
    model, given = formal(), arguments()
    nothing = torch.zeros(2, 64, dtype=torch.int64)
    plain = model(**given)
    assert torch.equal(plain, model(**given, letters=nothing))
    seen = [plain]
    for letter in range(1, 5):
        flow = model(**given, letters=nothing + letter)
        assert all((flow - other).abs().max() > 1e-3 for other in seen)
        seen.append(flow)


def test_a_letter_is_added_to_the_tokens_of_its_bar_only():
    """One that hears only itself is changed, where its letter is; the other item not at all."""
    model, given = formal(), arguments()
    letters = torch.zeros(2, 64, dtype=torch.int64)
    letters[0, 20:24] = 3
    mask = nearby(64, reach=0).expand(2, -1, -1)
    alone = {**given, "attention_mask": mask}
    change = (model(**alone, letters=letters) - model(**alone)).abs().amax(2)
    assert (change[0] > 1e-4).nonzero().flatten().tolist() == [20, 21, 22, 23]
    assert not change[1].any()


def test_no_letter_is_never_learnt():
    model, given = formal().train(), arguments()
    letters = torch.zeros(2, 64, dtype=torch.int64)
    letters[:, ::2] = 2
    model(**given, letters=letters).square().sum().backward()
    learnt = model.letter_embedder.weight.grad.abs().sum(1) > 0
    assert learnt.tolist() == [False, False, True, False, False]


def test_a_new_model_knows_nothing_of_no_letter():
    model = PrismDiT(labels=3, latent_size=8, width=32, depth=1, heads=2, letters=4)
    assert not model.letter_embedder.weight[0].any() and model.letter_embedder.weight[1:].all()


def test_a_model_without_letters_ignores_them():
    model, given = tiny(), arguments()
    letters = torch.ones(2, 64, dtype=torch.int64)
    assert torch.equal(model(**given, letters=letters), model(**given))
    assert not [name for name in model.state_dict() if name.startswith("letter")]


def test_dropout_is_for_training_only():
    model, given = formal(dropout=0.5), arguments()
    assert torch.equal(model(**given), model(**given))
    assert torch.equal(model(**given), formal()(**given))
    model.train()
    assert (model(**given) - model(**given)).abs().max() > 1e-3


def test_letters_are_saved(tmp_path):
    model, given = formal(dropout=0.1, attributes={"density": 3}), arguments()
    letters = torch.arange(64).expand(2, -1) % 5
    flow = model(**given, letters=letters)
    model.save_pretrained(tmp_path)
    loaded = PrismDiT.from_pretrained(tmp_path)
    assert loaded.config.letters == 4 and loaded.config.dropout == 0.1
    torch.testing.assert_close(loaded(**given, letters=letters), flow)


def test_a_mask_keeps_far_tokens_unheard():
    """Two blocks pass on what lies up to twice as far as one block hears."""
    model, given = tiny(), arguments()
    mask = nearby(64, reach=5).expand(2, -1, -1)
    other = {**given, "x_t": given["x_t"].clone()}
    other["x_t"][:, 30] += 1
    change = model(**given, attention_mask=mask) - model(**other, attention_mask=mask)
    heard = (change.abs().amax((0, 2)) > 1e-6).nonzero().flatten().tolist()
    assert heard == list(range(20, 41))
    assert torch.equal(
        model(**given, attention_mask=torch.ones(2, 64, 64, dtype=torch.bool)), model(**given)
    )


def test_a_model_without_attributes_has_no_more_weights_than_before():
    assert not [name for name in tiny().state_dict() if name.startswith("attribute_embeddings")]


def test_batch_equals_items():
    model, given = tiny(), arguments(batch=3)
    both = model(**given)
    for i in range(3):
        single = model(**{name: value[i : i + 1] for name, value in given.items()})
        assert (single - both[i : i + 1]).abs().max() < 1e-5


def test_the_order_of_tokens_matters():
    model, given = tiny(), arguments()
    turned = {**given, "x_t": given["x_t"].flip(1)}
    assert (model(**given).flip(1) - model(**turned)).abs().max() > 1e-3


def test_rotation_keeps_lengths_and_depends_on_distance_only():
    cos, sin = rotary_tables(16, 8)
    x = torch.randn(8).expand(1, 1, 16, 8)
    turned = rotate(x, cos, sin)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    scores = (turned @ turned.transpose(2, 3))[0, 0]
    torch.testing.assert_close(scores[2, 5], scores[9, 12])


def test_save_and_load(tmp_path):
    model = tiny()
    model.save_pretrained(tmp_path)
    loaded = PrismDiT.from_pretrained(tmp_path)
    assert loaded.null_label == 3
    torch.testing.assert_close(loaded(**arguments()), model(**arguments()))


def test_the_default_size_has_about_ten_million_weights():
    model = PrismDiT(labels=15, **SIZES["mini"])
    assert 9e6 < sum(p.numel() for p in model.parameters()) < 11e6
