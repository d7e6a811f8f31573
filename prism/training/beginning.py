"""Training that begins with what networks have learnt of another corpus.

What is peculiar to a corpus begins anew: each row of its labels, and of its collections, as the
mean of the old rows. The last row of a table, which stands for none, stays.
"""

from __future__ import annotations

import pathlib

import torch

from prism import ROOT
from prism.amt.model import AnticipatoryTransformer
from prism.amt.published import load
from prism.models.autoencoder import BeatAutoencoder
from prism.models.dit import PrismDiT
from prism.models.hub import WeightsError, read_network, reading
from prism.music.attributes import COLLECTION


def rows_anew(table: torch.Tensor, count: int) -> torch.Tensor:
    """A table of `count` rows like the mean of another's, and its last row.

    Examples
    --------
    >>> rows_anew(torch.tensor([[1.0], [3.0], [7.0]]), 3).flatten().tolist()
    [2.0, 2.0, 2.0, 7.0]
    """
    return torch.cat([table[:-1].mean(0, keepdim=True).expand(count, -1), table[-1:]])


def autoencoder_of(weights: str) -> BeatAutoencoder:
    """That of a weights folder, relative to Prism's own."""
    return _read(BeatAutoencoder, ROOT / weights / "autoencoder")


def begin_dit(network: PrismDiT, weights: str) -> None:
    """Take over a transformer's weights; raises WeightsError if it is built in another way."""
    old = _read(PrismDiT, ROOT / weights / "dit")
    state = old.state_dict()
    state["y_embedder.weight"] = rows_anew(state["y_embedder.weight"], network.null_label)
    tables = {name: state.pop(f"attribute_embeddings.{i}.weight") for i, name in _numbered(old)}
    if COLLECTION in tables and COLLECTION in network.attribute_names:
        count = network.config.attributes[COLLECTION]
        tables[COLLECTION] = rows_anew(tables[COLLECTION], count)
    for i, name in _numbered(network):
        if name in tables:
            state[f"attribute_embeddings.{i}.weight"] = tables[name]
    _take_over(network, state, weights)


def begin_amt(network: AnticipatoryTransformer, weights: str) -> None:
    """Take over a baseline's weights; raises WeightsError if it is built in another way."""
    state = load(ROOT / weights).state_dict()
    state["label.weight"] = rows_anew(state["label.weight"], network.config.labels)
    _take_over(network, state, weights)


def _numbered(network: PrismDiT) -> list[tuple[int, str]]:
    return list(enumerate(network.attribute_names))


def _read(kind: type, folder: pathlib.Path):
    with reading(folder, "config.json", "weights to begin with", "choose others"):
        return read_network(kind, folder)


def _take_over(network: torch.nn.Module, state: dict[str, torch.Tensor], weights: str) -> None:
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"weights to begin with: those in {weights} are of another network than the recipe's; "
            "choose a recipe of the same size, or one that begins with none"
        ) from error
