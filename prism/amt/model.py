"""The transformer of the baseline: GPT-2's layout (Radford et al. 2019) with a key/value cache.

Parameter names and shapes are those of published GPT-2 checkpoints, so that theirs load; the only
difference is that weights are stored as `torch.nn.Linear` does (see `prism.amt.published`). Letters
used in shapes: B batch, N tokens, W width, H heads, E width of a head, V rows of the token table.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, FrozenDict, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from prism.amt.vocabulary import (
    CONTEXT,
    CONTROL_OFFSET,
    DURATION_OFFSET,
    NOTE_OFFSET,
    TIME_OFFSET,
    TokenTable,
)

SIZES = {
    "tiny": {"width": 32, "depth": 2, "heads": 2},
    "mini": {"width": 384, "depth": 6, "heads": 6},
    "small": {"width": 768, "depth": 12, "heads": 12},
    "medium": {"width": 1024, "depth": 24, "heads": 16},
}


class KeyValueCache:
    """Keys and values of the tokens that a model with this `config` has read so far."""

    def __init__(self, config: FrozenDict) -> None:
        shape = (config.depth, 2, 1, config.heads, config.context, config.width // config.heads)
        self.values = torch.empty(shape)
        self.length = 0

    def extend(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """Append a layer's keys and values (1, H, N, E); returns all of them, (2, 1, H, ·, E)."""
        end = self.length + keys.shape[2]
        mine = self.values[layer]
        mine[0, :, :, self.length : end] = keys
        mine[1, :, :, self.length : end] = values
        return mine[:, :, :, :end]


class GPT2Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(
        self, x: torch.Tensor, cache: KeyValueCache | None = None, layer: int = 0
    ) -> torch.Tensor:
        q, k, v = self.projected(x)
        if cache is not None:
            k, v = cache.extend(layer, k, v)
        return self.merged(attention(q, k, v))

    def projected(self, x: torch.Tensor) -> torch.Tensor:
        """Queries, keys and values, (B, N, W) → (3, B, H, N, E)."""
        qkv = self.c_attn(x).unflatten(2, (3, self.heads, -1))  # (B, N, 3, H, E)
        return qkv.permute(2, 0, 3, 1, 4)

    def merged(self, mixed: torch.Tensor) -> torch.Tensor:
        """What `attention` gave, put together, (B, H, N, E) → (B, N, W)."""
        return self.c_proj(mixed.transpose(1, 2).flatten(2))


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Each query sees the keys up to its own; the queries belong to the last of the keys."""
    new, known = q.shape[2], k.shape[2]
    if new in (1, known):
        return F.scaled_dot_product_attention(q, k, v, is_causal=new > 1)
    mask = torch.ones(new, known, dtype=torch.bool, device=q.device).tril(known - new)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


class GPT2Block(nn.Module):
    """Pre-norm attention and MLP; in training, `dropout` of what they add."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.ln_1 = nn.LayerNorm(width)
        self.attn = GPT2Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(
                c_fc=nn.Linear(width, 4 * width),
                gelu=nn.GELU(approximate="tanh"),
                c_proj=nn.Linear(4 * width, width),
            )
        )

    def forward(
        self, x: torch.Tensor, cache: KeyValueCache | None = None, layer: int = 0
    ) -> torch.Tensor:
        x = x + self.drop(self.attn(self.ln_1(x), cache, layer))  # (B, N, W)
        return x + self.drop(self.mlp(self.ln_2(x)))  # (B, N, W)


class AnticipatoryTransformer(ModelMixin, ConfigMixin):
    """Predicts the next token of a sequence of events.

    Parameters
    ----------
    width, depth, heads : int
        Size of the transformer; see `SIZES` for named ones.
    context : int
        Most tokens it can read at once.
    time_step, lowest_pitch, highest_pitch, instruments : int
        Its `TokenTable`; by default all published tokens.
    centiseconds_per_beat : int
        The one tempo in which all its music is written, whatever that of the piece; 0 for real
        seconds at the piece's own tempo.
    labels, composers : int and sequence of str
        How many composers it can be told, and their names. A composer is a row of a table of its
        own, outside the published numbering, that is added to the embedding of the first token
        (the flag); the last of ``labels + 1`` rows is no composer.
    key_normalised : bool
        Whether it has learnt all music in C major or A minor.
    dropout : float
        Of embeddings and of what attention and MLP add, in training.

    Raises
    ------
    ValueError
        If there are not as many names as labels.
    """

    @register_to_config
    def __init__(
        self,
        width: int = 768,
        depth: int = 12,
        heads: int = 12,
        context: int = CONTEXT,
        time_step: int = 1,
        lowest_pitch: int = 0,
        highest_pitch: int = 127,
        instruments: int = 129,
        centiseconds_per_beat: int = 0,
        labels: int = 0,
        composers: Sequence[str] = (),
        key_normalised: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(composers) != labels:
            raise ValueError(f"composers: expected {labels} names, got {len(composers)}")
        self.table = TokenTable(time_step, lowest_pitch, highest_pitch, instruments)
        self.wte = nn.Embedding(len(self.table.tokens), width)
        self.wpe = nn.Embedding(context, width)
        self.drop = nn.Dropout(dropout)
        self.h = nn.ModuleList(GPT2Block(width, heads, dropout) for _ in range(depth))
        self.ln_f = nn.LayerNorm(width)
        self.label = nn.Embedding(labels + 1, width) if labels else None
        self._initialise()

    def _initialise(self) -> None:
        """GPT-2's initial weights; times and durations start as smooth curves."""
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        for block in self.h:
            for layer in (block.attn.c_proj, block.mlp.c_proj):
                nn.init.normal_(layer.weight, std=0.02 / math.sqrt(2 * len(self.h)))
        self._smooth_times()

    @torch.no_grad()
    def _smooth_times(self) -> None:
        """Neighbouring times get similar embeddings: thousands of rows need not be learned singly.

        Half of each vector is sines of the time, periods from 2 rows to all of them.
        """
        spans = [(TIME_OFFSET, DURATION_OFFSET - 1), (DURATION_OFFSET, NOTE_OFFSET - 1)]
        spans += [(CONTROL_OFFSET + first, CONTROL_OFFSET + last) for first, last in spans]
        for first, last in spans:
            rows = self.table.row_range(first, last)
            count = rows.stop - rows.start
            rates = math.pi * (2.0 / count) ** torch.linspace(0, 1, self.config.width // 4)
            angles = torch.arange(count)[:, None] * rates
            waves = 0.02 * math.sqrt(2) * torch.cat([angles.cos(), angles.sin()], dim=1)
            self.wte.weight[rows, : waves.shape[1]] = waves

    def hidden(
        self,
        rows: torch.Tensor,
        cache: KeyValueCache | None = None,
        label: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Run the transformer, without the last product with the token table; (B, N) → (B, N, W).

        Parameters
        ----------
        rows : int64 Tensor, shape=(B, N)
            Rows of the token table.
        cache : KeyValueCache, optional
            What came before (B = 1); the tokens given are added to it.
        label : Tensor, shape=(B, W), optional
            Rows of the label table or mixtures of them; no composer by default. A cache holds it
            as soon as it holds the first token.
        """
        x = self.drop(self.embedded(rows, cache, label))
        for layer, block in enumerate(self.h):
            x = block(x, cache, layer)  # (B, N, W)
        if cache is not None:
            cache.length += rows.shape[1]
        return self.ln_f(x)

    def embedded(
        self,
        rows: torch.Tensor,
        cache: KeyValueCache | None = None,
        label: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """What `hidden` begins with, (B, N) → (B, N, W); nothing is added to the cache."""
        start = 0 if cache is None else cache.length
        positions = torch.arange(start, start + rows.shape[1], device=rows.device)
        x = self.wte(rows) + self.wpe(positions)  # (B, N, W)
        if self.label is not None and start == 0:
            label = self.label.weight[-1:] if label is None else label
            x = torch.cat([x[:, :1] + label[:, None], x[:, 1:]], dim=1)  # (B, N, W)
        return x

    def logits(self, hidden: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Logits (..., V) of the tokens in `rows`, all of them by default."""
        return hidden @ self.wte.weight[rows].T

    def forward(self, rows: torch.Tensor, labels: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of the token after each of `rows`; (B, N) → (B, N, V).

        `labels` are rows of the label table, int64, shape=(B,); no composer by default.
        """
        label = self.label(labels) if self.label is not None and labels is not None else None
        return self.logits(self.hidden(rows, label=label))
