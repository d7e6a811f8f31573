"""The PNG file of a player's piece: drawn when somebody asks for it, one after the other."""

from __future__ import annotations

from typing import Any

import gradio as gr

from prism.service.piece import ShownPiece
from prism.ui.player import PianoRollPlayer

# Drawing takes a core for a second; all visitors' pictures are made one after the other.
DRAWING = {"concurrency_id": "drawing", "concurrency_limit": 1}


def connect_picture(player: PianoRollPlayer, piece: gr.State) -> None:
    """Let a player fetch the picture of the piece it shows."""
    player.picture(
        pictured, piece, player, **DRAWING, api_visibility="private", show_progress="hidden"
    )


def pictured(piece: ShownPiece | None) -> Any:
    """The player's value with the PNG file added."""
    return gr.skip() if piece is None else piece.draw().value()
