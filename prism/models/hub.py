"""Where weights are found: in a folder, or on the Hugging Face Hub.

Conventions
-----------
name
    A folder, or a repository on the Hub as ``owner/name`` or ``owner/name@revision`` (a branch, a
    tag or a commit). A folder of that name goes first. Where ``HF_HUB_OFFLINE`` is set, or the Hub
    cannot be reached, what was fetched before is used.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from safetensors import SafetensorError

Network = TypeVar("Network")

# What reading a network raises if one of its files is missing, damaged or does not fit.
READ_ERRORS = (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError)
# The layout of Prism's own folder: `weights/`.
PRISM_FILES = (
    "prism.json",
    *(
        f"{part}/{ending}"
        for part in ("autoencoder", "dit", "student", "amt", "similarity")
        for ending in ("*.json", "*.safetensors")
    ),
)
_NAME = re.compile(r"(\w[\w.-]*/\w[\w.-]*)(?:@([\w./-]+))?")


class WeightsError(ValueError):
    """Weights are missing, incomplete or damaged; the message says what to do."""


def find_weights(
    name: str | pathlib.Path, files: Sequence[str] = PRISM_FILES, what: str = "Prism weights"
) -> pathlib.Path:
    """The folder called `name`, or a download of the Hub's repository of that name.

    Anything that is no name on the Hub is returned as a path, whether it exists or not: the loader
    reports what is missing. `files` are patterns of what to fetch, `what` names it in the error.

    Raises
    ------
    WeightsError
        If the repository or its files cannot be had; the message gives the reason.
    """
    on_hub = _NAME.fullmatch(str(name))
    if on_hub is None or pathlib.Path(name).exists():
        return pathlib.Path(name)
    repository, revision = on_hub.groups()
    # Half a second to import, which a page with its own weights need not spend.
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        fetched = snapshot_download(repository, revision=revision, allow_patterns=list(files))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise not_found(f"{what} {name}", error, "them") from error
    return pathlib.Path(fetched)


def not_found(what: str, error: Exception, held: str) -> WeightsError:
    """What to say of weights that are in no folder and that the Hub does not give.

    `held` is what a folder of them holds.
    """
    reason = " ".join(str(error).split())
    return WeightsError(
        f"{what}: no such folder, and not from the Hub ({reason}); check the name and the network, "
        f"or give a folder that holds {held}"
    )


@contextlib.contextmanager
def reading(folder: pathlib.Path, file: str, what: str, advice: str) -> Iterator[None]:
    """Say of weights, and with what advice, that their `file` is missing or one is damaged.

    Raises WeightsError with the reason.
    """
    if not (folder / file).is_file():
        raise WeightsError(f"no {what} at {folder} ({file} missing); {advice}")
    try:
        yield
    except READ_ERRORS as error:
        raise WeightsError(f"{what} in {folder} cannot be read ({error}); {advice}") from error


def read_network(network: type[Network], folder: str | pathlib.Path) -> Network:
    """Load a model of diffusers' kind from a folder, in float32, whatever it was stored in."""
    import torch  # heavy: the page is served before its models load

    if not (pathlib.Path(folder) / "config.json").is_file():
        raise FileNotFoundError(f"{folder}/config.json is missing")  # not looked for on the Hub
    return network.from_pretrained(
        folder,
        torch_dtype=torch.float32,
        local_files_only=True,
        low_cpu_mem_usage=False,  # True needs accelerate
    )
