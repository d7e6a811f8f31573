"""BeatAutoencoder: shapes, locality, loss and saving."""

import torch
from conftest import make_piece, random_weights

from prism.corpora.dataset import roll_tensor
from prism.models.autoencoder import (
    BeatAutoencoder,
    orphan_share,
    reconstruction_loss,
    rolls_from_logits,
)
from prism.music.roll import PianoRoll


def tiny() -> BeatAutoencoder:
    return random_weights(BeatAutoencoder(latent_size=8, hidden_size=16))


def window(seed: int = 0) -> torch.Tensor:
    return roll_tensor(make_piece("a", seed=seed).window())[None]


def test_latents_are_normalised_tokens():
    latents = tiny().encode(window())
    assert latents.shape == (1, 64, 8)
    torch.testing.assert_close(latents.mean(2), torch.zeros(1, 64), atol=1e-5, rtol=0)
    torch.testing.assert_close(latents.var(2, unbiased=False), torch.ones(1, 64), atol=1e-2, rtol=0)


def test_a_beat_is_coded_by_itself_and_the_frame_before():
    model, rolls = tiny(), window()
    changed = rolls.clone()
    changed[:, :, :, 40:44] = 1 - changed[:, :, :, 40:44]  # beat 10
    differs = (model.encode(rolls) != model.encode(changed)).any(2)[0]
    assert differs.nonzero().flatten().tolist() == [10, 11]


def test_a_token_reaches_its_own_beat_and_its_neighbours_only():
    model, latents = tiny(), torch.randn(1, 64, 8)
    changed = latents.clone()
    changed[0, 10] += 1
    differs = (model.decode(latents) != model.decode(changed)).flatten(0, 2).any(0)
    assert differs.nonzero().flatten().tolist() == list(range(36, 48))


def test_batch_equals_items():
    model, rolls = tiny(), torch.cat([window(0), window(1)])
    both = model.decode(model.encode(rolls))
    single = model.decode(model.encode(rolls[1:]))
    torch.testing.assert_close(both[1:], single, atol=1e-5, rtol=1e-5)


def test_loss_by_hand():
    rolls = torch.zeros(1, 3, 88, 4)
    rolls[0, 0, 0, 0], rolls[0, 2, 0, 0] = 1.0, 0.5
    logits = torch.full((1, 3, 88, 4), -40.0)
    logits[0, 0, 0, 0], logits[0, 2, 0, 0] = 0.0, 40.0
    # One beat: ln 2 for the undecided onset, 8 · (1 − 0.5)² for its velocity.
    expected = torch.log(torch.tensor(2.0)) + 8 * 0.25
    torch.testing.assert_close(reconstruction_loss(logits, rolls), expected)


def test_a_perfect_decoder_gives_the_roll_back():
    roll = make_piece("a").window()
    logits = torch.logit(roll_tensor(roll), eps=1e-4)[None]
    properties = {"tempo": roll.tempo, "time_signature": roll.time_signature}
    assert rolls_from_logits(logits, [properties]) == [roll]


def test_silence_decodes_to_silence():
    logits = torch.full((1, 3, 88, 256), -9.0)
    assert rolls_from_logits(logits, [{}]) == [PianoRoll.empty()]


def test_orphan_share_by_hand():
    logits = torch.full((1, 3, 88, 8), -9.0)
    logits[0, 0, 10, 0] = logits[0, 1, 10, 1] = 9.0  # a note with its attack
    logits[0, 1, 20, 4:6] = 9.0  # one without
    assert orphan_share(logits) == 0.5
    assert orphan_share(torch.full((1, 3, 88, 8), -9.0)) == 0


def test_save_and_load(tmp_path):
    model = tiny()
    model.save_pretrained(tmp_path)
    loaded = BeatAutoencoder.from_pretrained(tmp_path)
    assert dict(loaded.config)["hidden_size"] == 16
    torch.testing.assert_close(loaded.encode(window()), model.encode(window()))
