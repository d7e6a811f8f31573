"""``prism app`` and ``python app.py``: serve the page.

``GRADIO_SERVER_NAME`` and ``GRADIO_SERVER_PORT`` set host and port, ``PRISM_WEIGHTS`` other weights
(a folder, or ``owner/name`` or ``owner/name@revision`` on the Hugging Face Hub), ``PRISM_AMT``
another baseline than ``amt`` inside them, ``PRISM_SOUNDFONT`` another soundfont, ``PRISM_LOG`` the
level of the log, ``PRISM_VOTES`` where votes are kept. docs/hosting.md tells the rest.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from prism import ASSETS, ROOT
from prism.service.gpu import gpu_is_lent
from prism.service.hosting import Health, give_memory_back
from prism.service.listening import Ballot
from prism.service.loading import load_in_background
from prism.service.log import configure_logging
from prism.service.service import load_service
from prism.ui.page import build_ui, launch_options


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer first, then load the models and the corpus; returns when the page is closed.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default; there is none but ``--help``.
    """
    argparse.ArgumentParser(
        prog="prism app",
        description="Serve the page. GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set host and port, "
        "PRISM_WEIGHTS, PRISM_AMT and PRISM_SOUNDFONT other models and another soundfont.",
    ).parse_args(arguments)
    configure_logging()
    give_memory_back()
    service = load_service(
        os.environ.get("PRISM_WEIGHTS") or ROOT / "weights",
        ASSETS / "corpus",
        os.environ.get("PRISM_AMT"),
    )
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
