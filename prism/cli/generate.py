"""``prism generate``: composers and seeds in, files out."""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import TYPE_CHECKING, Any

from prism.cli.files import ENDINGS, make_folder, write_files
from prism.cli.options import add_controls, chosen_bundle, read_settings, settings_record
from prism.models.setting_types import SettingError
from prism.music.roll import BEATS

if TYPE_CHECKING:
    from prism.service.continuing import KeptBars


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "generate",
        help="draw 64 beats for each seed and write them as MIDI",
        description="Draw 64 beats of piano music for each seed; prints the path of every file.",
    )
    add_controls(parser, without=["amt_start"])
    parser.add_argument(
        "--keep",
        type=pathlib.Path,
        metavar="FILE",
        help="a MIDI file to go on from, in its metre, at its tempo and in its key",
    )
    parser.add_argument("--bars", help="which bars of it stay, such as 1-8 (default: 32 beats)")
    parser.add_argument("--beats", help=f"how long it is in all, up to 256 (default: {BEATS})")
    parser.add_argument("--wav", action="store_true", help="write the sound as well")
    parser.add_argument("--png", action="store_true", help="write a drawing of the notes as well")
    parser.add_argument(
        "--picture", action="store_true", help="write midipic's 256×256 picture as well"
    )
    parser.add_argument(
        "--musicxml", action="store_true", help="write MusicXML, for notation programs, as well"
    )
    parser.add_argument(
        "--score", action="store_true", help="write a picture of the score (SVG) as well"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw and write; see `prism.cli.main` for the errors."""
    from prism.models.pipeline import PrismPipeline
    from prism.service.continuing import continued_piece
    from prism.service.loading import Loader
    from prism.service.scheduler import Scheduler
    from prism.service.sources import PrismSource

    kept = _kept_bars(options)
    pipeline = PrismPipeline.from_pretrained(chosen_bundle(options).weights)
    source = PrismSource(Loader(lambda: pipeline), Scheduler())
    kinds = [kind for kind in ENDINGS if kind == "midi" or getattr(options, kind)]
    made = []
    for settings in read_settings(options, pipeline.offered):
        if kept:
            piece = continued_piece(source, settings, kept, options.beats or BEATS)
        else:
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


def _kept_bars(options: argparse.Namespace) -> KeptBars | None:
    from prism.service.continuing import KeptBars

    if options.keep is not None:
        return KeptBars.read(options.keep, options.bars)
    for name in ("bars", "beats"):
        if (value := getattr(options, name)) is not None:
            raise SettingError(f"--{name}", "--keep FILE beside it", value)
    return None
