"""BeatAutoencoder: one beat of a piano roll ↔ a few numbers.

Letters used in shapes: B batch, C channels (onset, sustain, velocity), P keys, F frames, N beats
(tokens), D latent width, H hidden width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from prism.music.roll import FRAMES_PER_BEAT, KEYS, PianoRoll, orphans

CHANNELS = 3
# Cells are almost always empty; starting there spares the first few hundred steps.
_EMPTY_LOGIT = -4.0
_VELOCITY_WEIGHT = 8.0


class BeatAutoencoder(ModelMixin, ConfigMixin):
    """A small network that codes every beat on its own and decodes it beside its neighbours.

    The encoder also sees the frame before the beat, so that a note held over a beat boundary is
    coded as held; the decoder sees the beats on either side, so that it can tie it. `latent_size`
    is how many numbers a beat has, `hidden_size` the width of the two hidden layers on each side.
    """

    @register_to_config
    def __init__(self, latent_size: int = 48, hidden_size: int = 512) -> None:
        super().__init__()
        cells = CHANNELS * KEYS * FRAMES_PER_BEAT
        self.encoder = _mlp(cells + KEYS, hidden_size, latent_size)
        self.decoder = _mlp(3 * latent_size, hidden_size, cells)
        with torch.no_grad():
            self.decoder[-1].bias.fill_(_EMPTY_LOGIT)
            self.decoder[-1].bias.view(CHANNELS, -1)[2].zero_()

    def encode(self, rolls: torch.Tensor) -> torch.Tensor:
        """Code rolls, (B, 3, 88, F) as from `prism.corpora.dataset.roll_tensor`, F a multiple of 4.

        Returned are tokens (B, F / 4, D), each with mean 0 and variance 1.
        """
        active = rolls[:, 0] + rolls[:, 1]  # (B, P, F)
        before = F.pad(active, (1, 0))[..., :-1:FRAMES_PER_BEAT]  # (B, P, N)
        beats = rolls.unflatten(3, (-1, FRAMES_PER_BEAT))  # (B, C, P, N, 4)
        beats = beats.permute(0, 3, 1, 2, 4).flatten(2)  # (B, N, C·P·4)
        latents = self.encoder(torch.cat([beats, before.transpose(1, 2)], 2))
        return F.layer_norm(latents, latents.shape[-1:])  # (B, N, D)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Decode latents, (B, N, D), one token a beat.

        Returned are logits, (B, 3, 88, 4·N): onset, sustain, and velocity as a fraction of 127.
        """
        padded = F.pad(latents, (0, 0, 1, 1))
        context = torch.cat([padded[:, :-2], latents, padded[:, 2:]], 2)  # (B, N, 3·D)
        cells = self.decoder(context)  # (B, N, C·P·4)
        cells = cells.unflatten(2, (CHANNELS, KEYS, FRAMES_PER_BEAT))
        return cells.permute(0, 2, 3, 1, 4).flatten(3)  # (B, C, P, F)

    def forward(self, rolls: torch.Tensor, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Logits after a round trip, with `noise`, shape=(B, N, D), added to the latents."""
        latents = self.encode(rolls)
        return self.decode(latents if noise is None else latents + noise)


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.SiLU(),
        nn.Linear(hidden, hidden),
        nn.SiLU(),
        nn.Linear(hidden, outputs),
    )


def reconstruction_loss(logits: torch.Tensor, rolls: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of onset and sustain plus squared velocity error at onsets, a beat.

    Both `logits`, from the decoder, and the target `rolls` are (B, 3, 88, F).
    """
    beats = rolls.shape[0] * rolls.shape[3] / FRAMES_PER_BEAT
    cells = F.binary_cross_entropy_with_logits(logits[:, :2], rolls[:, :2], reduction="sum")
    error = (logits[:, 2].sigmoid() - rolls[:, 2]) ** 2 * rolls[:, 0]
    return (cells + _VELOCITY_WEIGHT * error.sum()) / beats


def orphan_share(logits: torch.Tensor) -> float:
    """Share of notes for which the decoder left the attack out, before this is mended.

    Orphan sustains over all that begins in logits (B, 3, 88, F), 0 to 1; 0 for silence.
    """
    struck, held = (logits[:, :2] > 0).cpu().numpy().swapaxes(0, 1)
    lost = sum(int(orphans(o, s & ~o).sum()) for o, s in zip(struck, held, strict=True))
    return lost / max(1, lost + int(struck.sum()))


def rolls_from_logits(logits: torch.Tensor, properties: list[dict]) -> list[PianoRoll]:
    """Threshold logits, (B, 3, 88, F), into clean rolls, each with its tempo and time signature."""
    probabilities = logits.float().sigmoid().cpu().numpy()
    return [
        PianoRoll.from_probabilities(*item, **extra)
        for item, extra in zip(probabilities, properties, strict=True)
    ]
