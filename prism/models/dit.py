"""PrismDiT: a diffusion transformer over one token a beat.

After Peebles & Xie 2023, "Scalable Diffusion Models with Transformers" (adaLN-zero blocks, label
dropout), with rotary positions (Su et al. 2021) and normalised queries and keys (Dehghani et al.
2023). Letters used in shapes: B batch, N tokens, D latent width, W model width, H heads, E width of
a head.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from prism.music.roll import BEATS
from prism.music.windows import MAXIMUM_BAR_FRAMES

SIZES = {
    "tiny": {"width": 64, "depth": 2, "heads": 2},
    "mini": {"width": 256, "depth": 8, "heads": 8},
    "small": {"width": 384, "depth": 12, "heads": 6},
    "base": {"width": 768, "depth": 12, "heads": 12},
    "large": {"width": 1024, "depth": 24, "heads": 16},
}
_FREQUENCIES = 128
_ROTARY_BASE = 1000.0


def modulate(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Scale and shift tokens (B, N, W) by one vector a sample (B, W)."""
    return x * (1 + scale.unsqueeze(1)) + shift.unsqueeze(1)


def rotary_tables(tokens: int, head_width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the rotary angles, each shape=(tokens, head_width / 2)."""
    rates = _ROTARY_BASE ** (-torch.arange(head_width // 2) / (head_width // 2))
    angles = torch.arange(tokens)[:, None] * rates
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Turn each pair of numbers of x (B, H, N, E) by its token's angle."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None = None
) -> torch.Tensor:
    """Scaled dot-product attention of queries, keys and values (B, H, N, E).

    With a bool `mask` (B, 1, N, N), a query (second last) sees the keys (last) where it is true.
    """
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    # On a CPU the fused kernel saves memory, not time: its backward pass took a third of a step.
    # In mixed precision too, the scores are of 32 bits: in bfloat16 the backward pass that torch
    # 2.13 compiles gives NaN on processors with AMX.
    with torch.autocast("cpu", enabled=False):
        scores = q.float() @ k.float().transpose(2, 3) * q.shape[3] ** -0.5  # (B, H, N, N)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(3) @ v


class TimestepEmbedder(nn.Module):
    """Diffusion time t in 0 to 1 → a vector, through sines of 128 frequencies."""

    def __init__(self, width: int) -> None:
        super().__init__()
        rates = torch.exp(-math.log(10_000) * torch.arange(_FREQUENCIES) / _FREQUENCIES)
        self.register_buffer("rates", 1000 * rates, persistent=False)
        self.mlp = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, t: torch.Tensor) -> torch.Tensor:
        angles = t[:, None] * self.rates  # (B, 128)
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=1))  # (B, W)


class MetreEmbedder(nn.Module):
    """Bar length and place in the bar (both in frames) → a vector a token; (0, 0) is unknown."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.length = nn.Embedding(MAXIMUM_BAR_FRAMES + 1, width)
        self.place = nn.Embedding(MAXIMUM_BAR_FRAMES, width)
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(width, width))

    def forward(self, metre: torch.Tensor) -> torch.Tensor:
        return self.mlp(self.length(metre[..., 0]) + self.place(metre[..., 1]))


class Attention(nn.Module):
    """Self-attention with rotary positions and RMS-normalised queries and keys."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.q_norm = nn.RMSNorm(width // heads)
        self.k_norm = nn.RMSNorm(width // heads)
        self.proj = nn.Linear(width, width)

    def forward(
        self, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        qkv = self.qkv(x).unflatten(2, (3, self.heads, -1))  # (B, N, 3, H, E)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # 3 × (B, H, N, E)
        q = rotate(self.q_norm(q), cos, sin)
        k = rotate(self.k_norm(k), cos, sin)
        mixed = attention(q, k, v, mask)  # (B, H, N, E)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # (B, N, W)


class Block(nn.Module):
    """Attention and MLP, each scaled, shifted and gated by the condition (adaLN-zero)."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.norm1 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
        )
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

    def forward(
        self,
        x: torch.Tensor,
        condition: torch.Tensor,
        cos: torch.Tensor,
        sin: torch.Tensor,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        modulation = self.adaLN_modulation(condition).chunk(6, dim=1)
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation
        mixed = self.attn(modulate(self.norm1(x), shift1, scale1), cos, sin, mask)
        x = x + gate1.unsqueeze(1) * self.drop(mixed)  # (B, N, W)
        mixed = self.mlp(modulate(self.norm2(x), shift2, scale2))
        return x + gate2.unsqueeze(1) * self.drop(mixed)  # (B, N, W)


class FinalLayer(nn.Module):
    """Tokens (B, N, W) → the flow (B, N, D), scaled and shifted by the condition."""

    def __init__(self, width: int, latent_size: int) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.linear = nn.Linear(width, latent_size)

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        shift, scale = self.adaLN_modulation(condition).chunk(2, dim=1)
        return self.linear(modulate(self.norm_final(x), shift, scale))


class PrismDiT(ModelMixin, ConfigMixin):
    """Predicts the flow of a noisy sequence of beat latents, given t, a label and the metre.

    Parameters
    ----------
    labels : int
        Number of labels, which is also the index of the null label.
    latent_size : int
        Numbers a token, as in the autoencoder.
    width, depth, heads : int
        Size of the transformer; see `SIZES` for named ones.
    tokens : int
        Beats in a sequence.
    attributes : dict of str to int, optional
        What else can be asked for (see `prism.music.attributes`), each with its number of values,
        which is also the index of its null value.
    self_conditioning : bool
        Whether it can be given its own earlier estimate of the data (Chen, Zhang & Hinton 2023,
        "Analog Bits", section 3.2).
    letters : int
        Form letters that it knows (see `prism.music.form`); 0 for a model without form.
    dropout : float
        While training, of the tokens and of what attention and MLP add to them.
    guidance_inputs : int
        Numbers that say how it is guided, for a student of guidance (see `prism.models.student`).
    """

    @register_to_config
    def __init__(
        self,
        labels: int,
        latent_size: int = 48,
        width: int = 256,
        depth: int = 8,
        heads: int = 8,
        tokens: int = BEATS,
        attributes: dict[str, int] | None = None,
        self_conditioning: bool = False,
        letters: int = 0,
        dropout: float = 0.0,
        guidance_inputs: int = 0,
    ) -> None:
        super().__init__()
        self.x_embedder = nn.Linear(latent_size, width)
        # Without a bias, so that an estimate of zeros is none at all.
        self.self_cond_embedder = (
            nn.Linear(latent_size, width, bias=False) if self_conditioning else None
        )
        self.pos_embed = nn.Parameter(torch.zeros(tokens, width))
        self.metre_embedder = MetreEmbedder(width)
        self.t_embedder = TimestepEmbedder(width)
        self.y_embedder = nn.Embedding(labels + 1, width)
        self.attribute_embeddings = nn.ModuleList(
            nn.Embedding(count + 1, width) for _, count in sorted((attributes or {}).items())
        )
        self.letter_embedder = nn.Embedding(letters + 1, width, 0) if letters else None
        self.guidance_embedder = (
            nn.Sequential(nn.Linear(guidance_inputs, width), nn.SiLU(), nn.Linear(width, width))
            if guidance_inputs
            else None
        )
        self.drop = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.final_layer = FinalLayer(width, latent_size)
        cos, sin = rotary_tables(tokens, width // heads)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise()

    @property
    def null_label(self) -> int:
        return self.config.labels

    @property
    def attribute_names(self) -> tuple[str, ...]:
        """What else can be asked for, sorted, as are the columns of `attributes`."""
        return tuple(sorted(self.config.attributes or {}))

    @property
    def null_attributes(self) -> torch.Tensor:
        """The values that ask for nothing, int64, shape=(A,)."""
        counts = [self.config.attributes[name] for name in self.attribute_names]
        return torch.tensor(counts, dtype=torch.int64)

    def _initialise(self) -> None:
        """Every block starts as the identity and the output as zero (adaLN-zero, section 3.2)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
        nn.init.normal_(self.pos_embed, std=0.02)
        if self.letter_embedder is not None:
            nn.init.zeros_(self.letter_embedder.weight[0])
        final = self.final_layer
        zeroed = [block.adaLN_modulation[-1] for block in self.blocks]
        if self.guidance_embedder is not None:
            zeroed.append(self.guidance_embedder[-1])
        for layer in (*zeroed, final.adaLN_modulation[-1], final.linear):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        x_t: torch.Tensor,
        t: torch.Tensor,
        labels: torch.Tensor,
        metre: torch.Tensor,
        attributes: torch.Tensor | None = None,
        self_cond: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        letters: torch.Tensor | None = None,
        guidance: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Predict the flow, noise − data, shape=(B, N, D).

        Parameters
        ----------
        x_t : Tensor, shape=(B, N, D)
            Noisy latents.
        t : Tensor, shape=(B,)
            Diffusion time: 1 is pure noise, 0 is data.
        labels : int64 Tensor, shape=(B,), or float Tensor, shape=(B, labels + 1)
            0 to `labels`; the last is the null label. Or the share of each.
        metre : int64 Tensor, shape=(B, N, 2)
            Bar length and place in the bar, in frames, as from `prism.corpora.dataset`.
        attributes : int64 Tensor, shape=(B, A), optional
            A value for each of `attribute_names`; none is asked for by default.
        self_cond : Tensor, shape=(B, N, D), optional
            Earlier estimate of the data, zeros for none; for a model with `self_conditioning`.
        attention_mask : bool Tensor, shape=(B, N, N), optional
            Which tokens (last) each token hears; all by default.
        letters : int64 Tensor, shape=(B, N), optional
            Form letter of each token's bar, 0 for none; for a model with `letters`.
        guidance : Tensor, shape=(B, guidance_inputs), optional
            For a model with `guidance_inputs`.
        """
        x = self.x_embedder(x_t) + self.pos_embed + self.metre_embedder(metre)  # (B, N, W)
        if self_cond is not None and self.self_cond_embedder is not None:
            x = x + self.self_cond_embedder(self_cond)  # (B, N, W)
        if letters is not None and self.letter_embedder is not None:
            x = x + self.letter_embedder(letters)  # (B, N, W)
        x = self.drop(x)
        condition = self.t_embedder(t) + self._label(labels)  # (B, W)
        condition = condition + self._embedded(attributes, len(labels))  # (B, W)
        if guidance is not None:
            condition = condition + self.guidance_embedder(guidance)  # (B, W)
        mask = None if attention_mask is None else attention_mask[:, None]
        for block in self.blocks:
            x = block(x, condition, self.cos, self.sin, mask)  # (B, N, W)
        return self.final_layer(x, condition)  # (B, N, D)

    def _label(self, labels: torch.Tensor) -> torch.Tensor:
        if labels.is_floating_point():
            return labels @ self.y_embedder.weight
        return self.y_embedder(labels)

    def _embedded(self, attributes: torch.Tensor | None, items: int) -> torch.Tensor | float:
        if attributes is None:
            attributes = self.null_attributes.to(self.device).expand(items, -1)
        return sum(table(attributes[:, k]) for k, table in enumerate(self.attribute_embeddings))
