"""Finding and reading a baseline's weights: our own folders, or published GPT-2 checkpoints.

A published checkpoint (for example ``stanford-crfm/music-small-800k``) is a folder or a repository
on the Hugging Face Hub with a GPT-2 ``config.json`` and its weights as safetensors or as PyTorch's
own file; its token numbers are those of `prism.amt.vocabulary`.
"""

from __future__ import annotations

import json
import pathlib
import re

import torch
from safetensors.torch import load_file

from prism.amt.model import AnticipatoryTransformer
from prism.amt.vocabulary import VOCABULARY_SIZE
from prism.models.hub import find_weights, read_network, reading

# GPT-2 stores these weights the other way round (input by output).
_TRANSPOSED = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")
_ADVICE = "restore it from the repository, train it with: prism train amt, or name a model"


def load(name: str | pathlib.Path) -> AnticipatoryTransformer:
    """Read a model, ours or a published one, in float32 from a folder or from the Hub.

    Raises WeightsError if it cannot be found, or a file is missing, truncated or does not fit.
    """
    files = ("config.json", "*.safetensors", "pytorch_model.bin")
    folder = find_weights(name, files, "AMT weights")
    with reading(folder, "config.json", "AMT weights", _ADVICE):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config.get("_class_name") == AnticipatoryTransformer.__name__:
            return read_network(AnticipatoryTransformer, folder)
        return _load_gpt2(folder, config)


def _load_gpt2(folder: pathlib.Path, config: dict) -> AnticipatoryTransformer:
    if config["vocab_size"] != VOCABULARY_SIZE:
        raise ValueError(
            f"expected a vocabulary of {VOCABULARY_SIZE} tokens, got {config['vocab_size']}"
        )
    model = AnticipatoryTransformer(
        width=config["n_embd"],
        depth=config["n_layer"],
        heads=config["n_head"],
        context=config["n_positions"],
    )
    model.load_state_dict(_gpt2_state(_read_tensors(folder)))
    return model


def _read_tensors(folder: pathlib.Path) -> dict[str, torch.Tensor]:
    safe, own = folder / "model.safetensors", folder / "pytorch_model.bin"
    if safe.is_file():
        return load_file(safe)
    if own.is_file():
        return torch.load(own, map_location="cpu", weights_only=True)
    raise FileNotFoundError(f"expected {safe.name} or {own.name}")


def _gpt2_state(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """GPT-2's state as ours: no prefix, weights transposed, no masks and no tied head."""
    state = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("transformer.")
        if name == "lm_head.weight" or re.search(r"\.attn\.(masked_)?bias$", name):
            continue
        state[name] = (tensor.T if _TRANSPOSED.search(name) else tensor).float().contiguous()
    return state
