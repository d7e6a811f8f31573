"""``prism generate``: composers and seeds in, files out."""

from __future__ import annotations

import argparse
import json
from typing import Any

from prism.cli.files import ENDINGS, make_folder, write_files
from prism.cli.options import add_controls, chosen_bundle, read_settings, settings_record


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "generate",
        help="draw 64 beats for each seed and write them as MIDI",
        description="Draw 64 beats of piano music for each seed; prints the path of every file.",
    )
    add_controls(parser, without=["amt_start"])
    parser.add_argument("--wav", action="store_true", help="write the sound as well")
    parser.add_argument("--png", action="store_true", help="write a drawing of the notes as well")
    parser.add_argument(
        "--picture", action="store_true", help="write midipic's 256×256 picture as well"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw and write; see `prism.cli.main` for the errors."""
    from prism.models.pipeline import PrismPipeline
    from prism.service.loading import Loader
    from prism.service.scheduler import Scheduler
    from prism.service.sources import PrismSource

    pipeline = PrismPipeline.from_pretrained(chosen_bundle(options).weights)
    source = PrismSource(Loader(lambda: pipeline), Scheduler())
    kinds = [kind for kind in ENDINGS if kind == "midi" or getattr(options, kind)]
    made = []
    for settings in read_settings(options, pipeline.offered):
        piece = source.piece(settings)
        # Not before the first roll: a mistake among the settings leaves no folder behind.
        make_folder(options.output)
        files = write_files(piece, options.output, piece.name, kinds)
        made.append(
            {
                "seed": settings.seed,
                "notes": len(piece.roll.notes()),
                "tempo": piece.roll.tempo,
                "time_signature": list(piece.roll.time_signature),
                "files": files,
            }
        )
    if options.json:
        print(json.dumps(settings_record(settings) | {"rolls": made}, ensure_ascii=False))
