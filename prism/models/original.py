"""The original's route: pictures of rolls, a photographs' autoencoder, and a class-conditional DiT.

The report that Prism grew out of fine-tuned DiT-L/4 (Peebles & Xie 2023) on 256×256 midipic
pictures through Stable Diffusion's autoencoder. Here diffusers does that: noise is predicted (Ho et
al. 2020) on a linear schedule of 1,000 steps, as in the DiT paper, without its learned variances;
samples are drawn by DDIM (Song et al. 2021).

Conventions
-----------
picture
    As in `prism.music.midipic`; the autoencoder sees it with the last axis reversed (RGB) and
    scaled to −1 to 1.
latents
    float32, (B, 4, 32, 32), multiplied by the autoencoder's scaling factor.
label
    0 to the number of labels; the last is the null label.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, DDPMScheduler, DiTTransformer2DModel
from diffusers.models.embeddings import LabelEmbedding
from torch import nn

from prism.models.hub import not_found, reading
from prism.models.settings import SETTINGS
from prism.music.midipic import from_picture
from prism.music.roll import PianoRoll
from prism.music.writing import write_json

SETTINGS_FILE = "original.json"
# Cells on a side: the autoencoder's are 8 × 8 pixels.
LATENT_SIZE = 32
# Named as in the DiT paper, table 1.
SIZES = {
    "tiny": {"num_layers": 2, "num_attention_heads": 2, "attention_head_dim": 8},
    "base": {"num_layers": 12, "num_attention_heads": 12, "attention_head_dim": 64},
    "large": {"num_layers": 24, "num_attention_heads": 16, "attention_head_dim": 64},
}


def noise_schedule() -> DDPMScheduler:
    """Linear variances from .0001 to .02 over 1,000 steps (Ho et al. 2020, section 4)."""
    return DDPMScheduler(
        num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, beta_schedule="linear"
    )


def new_transformer(
    labels: int, size: str, patch_size: int, sample_size: int
) -> DiTTransformer2DModel:
    """A DiT that predicts noise, every block the identity and the output zero at first.

    diffusers does not initialise either of the latter (Peebles & Xie 2023, section 3.2). `labels`
    does not count the null label, `size` is a key of `SIZES`, the others are in cells of the
    latents.
    """
    network = DiTTransformer2DModel(
        **SIZES[size],
        in_channels=4,
        out_channels=4,
        sample_size=sample_size,
        patch_size=patch_size,
        num_embeds_ada_norm=labels,
    )
    gates = [block.norm1.linear for block in network.transformer_blocks]
    for layer in (*gates, network.proj_out_1, network.proj_out_2):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    # The training loop drops labels: in diffusers every block drops them for itself, so that one
    # sample has several labels, and from a global source of chance.
    for module in network.modules():
        if isinstance(module, LabelEmbedding):
            module.dropout_prob = 0.0
    return network


def picture_tensor(pictures: np.ndarray) -> torch.Tensor:
    """Pictures, uint8 (B, 256, 256, 3) → what the autoencoder sees, float32 (B, 3, 256, 256)."""
    rgb = np.ascontiguousarray(pictures[..., ::-1])
    return torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 127.5 - 1


def tensor_pictures(tensor: torch.Tensor) -> np.ndarray:
    """The reverse of `picture_tensor`, rounded and clipped."""
    scaled = ((tensor.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(0, 2, 3, 1).cpu().numpy()[..., ::-1])


class OriginalPipeline:
    """Draws pictures by diffusion in a photographs' autoencoder's latents, and reads them as rolls.

    Parameters
    ----------
    labels : sequence of str
        In the order of the transformer's.
    source : str
        Where the autoencoder came from: a folder, or a repository on the Hub.

    Examples
    --------
    >>> pipe = OriginalPipeline.from_pretrained("runs/original-CORPUS/weights")
    >>> roll = pipe("Bach", guidance_scale=4.0, seed=7)[0]
    """

    def __init__(
        self,
        autoencoder: AutoencoderKL,
        transformer: DiTTransformer2DModel,
        labels: Sequence[str],
        source: str,
    ) -> None:
        self.autoencoder = autoencoder.eval()
        self.transformer = transformer.eval()
        self.composers = list(labels)
        self.source = source

    def save_pretrained(self, folder: str | pathlib.Path, max_shard_size: str = "10GB") -> None:
        """Write the transformer and the settings; the autoencoder is only named."""
        folder = pathlib.Path(folder)
        self.transformer.save_pretrained(folder / "transformer", max_shard_size=max_shard_size)
        noise_schedule().save_pretrained(folder / "scheduler")
        settings = {"labels": self.composers, "autoencoder": self.source}
        write_json(folder / SETTINGS_FILE, settings, indent=2)

    @classmethod
    def from_pretrained(cls, folder: str | pathlib.Path) -> OriginalPipeline:
        """Load what `save_pretrained` wrote, and the autoencoder it names.

        Raises WeightsError if the folder or the autoencoder cannot be had.
        """
        folder = pathlib.Path(folder)
        advice = "train them with: prism train --preset original"
        with reading(folder, SETTINGS_FILE, "weights of the original's route", advice):
            settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
            transformer = DiTTransformer2DModel.from_pretrained(folder / "transformer")
            labels, source = settings["labels"], settings["autoencoder"]
        return cls(load_autoencoder(source), transformer, labels, source)

    @torch.inference_mode()
    def __call__(
        self,
        composers: str | Sequence[str],
        guidance_scale: float = 4.0,
        num_inference_steps: int = 50,
        seed: int = 0,
    ) -> list[PianoRoll]:
        """Draw one roll for each label in `composers`, in 1 to 1,000 steps.

        A guidance scale of 1 is the plain conditional model (Ho & Salimans 2022).

        Raises
        ------
        ValueError
            If a label is unknown, or the seed is out of its range.
        """
        names = [composers] if isinstance(composers, str) else list(composers)
        unknown = [name for name in names if name not in self.composers]
        if unknown:
            raise ValueError(
                f"composers: unknown {', '.join(map(repr, unknown))}; "
                f"choose from {', '.join(self.composers)}"
            )
        device, config = self.transformer.device, self.transformer.config
        # A new one for each call: schedulers count their steps.
        scheduler = DDIMScheduler.from_config(noise_schedule().config, clip_sample=False)
        scheduler.set_timesteps(num_inference_steps)
        generator = torch.Generator().manual_seed(SETTINGS["seed"].check(seed))
        shape = (len(names), config.in_channels, config.sample_size, config.sample_size)
        latents = torch.randn(shape, generator=generator).to(device)
        labels = [self.composers.index(name) for name in names]
        rows = torch.tensor(labels + [len(self.composers)] * len(names), device=device)
        for t in scheduler.timesteps:
            noise = self.transformer(
                torch.cat([latents, latents]), t.to(device).expand(len(rows)), rows
            ).sample
            conditional, free = noise.chunk(2)
            guided = free + guidance_scale * (conditional - free)
            latents = scheduler.step(guided, t, latents).prev_sample
        scaled = latents / self.autoencoder.config.scaling_factor
        pictures = tensor_pictures(self.autoencoder.decode(scaled).sample)
        return [from_picture(picture) for picture in pictures]


def load_autoencoder(source: str) -> AutoencoderKL:
    """An autoencoder from a folder or from the Hub; raises `WeightsError` if it cannot be had."""
    try:
        return AutoencoderKL.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise not_found(f"autoencoder {source}", error, "an AutoencoderKL") from error
