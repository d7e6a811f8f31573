"""``prism app`` and ``python app.py``: serve the page.

``GRADIO_SERVER_NAME`` and ``GRADIO_SERVER_PORT`` set host and port, ``PRISM_BUNDLE`` another bundle
(a folder as ``prism build`` leaves it, or ``owner/name`` or ``owner/name@revision`` on the Hugging
Face Hub), ``PRISM_WEIGHTS`` and ``PRISM_AMT`` other networks than those in it, ``PRISM_PIECES``
whether real pieces are shown (``show`` or ``hide``), ``PRISM_SOUNDFONT`` another soundfont,
``PRISM_LOG`` the level of the log, ``PRISM_VOTES`` where votes are kept.
docs/hosting.md tells the rest.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from prism.service.bundle import PIECES, open_bundle, withheld
from prism.service.gpu import gpu_is_lent
from prism.service.hosting import Health, give_memory_back
from prism.service.listening import Ballot
from prism.service.loading import load_in_background
from prism.service.log import configure_logging
from prism.service.service import load_service
from prism.ui.page import build_ui, launch_options


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer first, then load the models and the corpus; returns when the page is closed.

    Where there is no such bundle, one line on stderr tells and the exit status is 1.
    """
    parser = argparse.ArgumentParser(
        prog="prism app",
        description="Serve the page. GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set host and port, "
        "PRISM_WEIGHTS, PRISM_AMT and PRISM_SOUNDFONT other models and another soundfont.",
    )
    parser.add_argument(
        "bundle",
        nargs="?",
        default=os.environ.get("PRISM_BUNDLE"),
        help="a folder as prism build leaves it, or owner/name[@revision] on the Hugging Face Hub "
        "(default: PRISM_BUNDLE, or the shipped one)",
    )
    parser.add_argument(
        "--pieces",
        choices=PIECES,
        help="whether real pieces can be seen, heard and saved; they are scored all the same "
        "(default: PRISM_PIECES, or what the bundle says, or, where others can reach the page, "
        "what the terms allow)",
    )
    options = parser.parse_args(arguments)
    pieces = options.pieces or os.environ.get("PRISM_PIECES")
    if pieces and pieces not in PIECES:
        parser.error(f"PRISM_PIECES: expected one of {', '.join(PIECES)}, got {pieces}")
    try:
        bundle = open_bundle(options.bundle)
    except (OSError, ValueError) as error:
        parser.exit(1, f"{error}\n")
    configure_logging()
    give_memory_back()
    others = {name: os.environ.get(f"PRISM_{name.upper()}") for name in ("weights", "amt")}
    # Gradio's own default is this computer alone.
    alone = os.environ.get("GRADIO_SERVER_NAME") in (None, "", "127.0.0.1", "localhost", "::1")
    kept = withheld(bundle.manifest, PIECES.get(pieces), reached_by_others=not alone)
    service = load_service(bundle.with_others(**others), kept)
    if gpu_is_lent():
        service.pipeline.get()  # such a host wants to know the networks before the page is there
    votes = os.environ.get("PRISM_VOTES")
    page = build_ui(service, ballot=Ballot(votes) if votes else None)
    health = Health(
        {"model": service.pipeline, "corpus": service.corpus},
        {"baseline": service.amt, "scores": service.scorer, "index": service.index},
    )
    page.launch(prevent_thread_lock=True, **launch_options(health))
    load_in_background(service.corpus, service.examples)  # what the page opens with
    load_in_background(service.pipeline, service.amt, service.scorer, service.index)
    page.block_thread()
