"""``prism generate``: composers and seeds in, files out."""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import TYPE_CHECKING, Any

from prism.cli.files import ENDINGS, make_folder, write_files
from prism.cli.options import add_controls, chosen_bundle, read_settings, settings_record
from prism.models.setting_types import SettingError
from prism.models.settings import SETTINGS

if TYPE_CHECKING:
    from prism.service.continuing import KeptBars


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "generate",
        help="draw 64 beats for each seed and write them as MIDI",
        description="Draw 64 beats of piano music for each seed; prints the path of every file.",
    )
    add_controls(parser, without=["amt_start", "keep"])
    keep = SETTINGS["keep"]
    parser.add_argument(
        "--keep",
        metavar="FILE|BARS",
        help=f"a MIDI file to go on from, in its metre, at its tempo and in its key, or "
        f"{keep.expected}",
    )
    parser.add_argument(
        "--bars", help="which bars of FILE stay, such as 1-8 or 1-4,13-16 (default: 32 beats)"
    )
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
    from prism.service.service import load_service

    kept = _kept_bars(options)
    service = load_service(chosen_bundle(options))
    source = service.sources["prism"]
    kinds = [kind for kind in ENDINGS if kind == "midi" or getattr(options, kind)]
    made = []
    for settings in read_settings(options, service.pipeline.get().offered):
        piece = source.piece(settings, kept and kept.shown)
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
        record = settings_record(settings) | ({"kept": kept.words} if kept else {})
        print(json.dumps(record | {"rolls": made}, ensure_ascii=False))


def _kept_bars(options: argparse.Namespace) -> KeptBars | None:
    """Those of a file, which then are the setting, too."""
    from prism.service.continuing import KeptBars

    named = options.keep is not None and not SETTINGS["keep"].matches(options.keep)
    if not named:
        if options.bars is not None:
            raise SettingError("--bars", "--keep FILE beside it", options.bars)
        return None
    if not pathlib.Path(options.keep).is_file():
        expected = f"a MIDI file that is there, or {SETTINGS['keep'].expected}"
        raise SettingError("--keep", expected, options.keep)
    kept = KeptBars.read(pathlib.Path(options.keep), options.bars)
    options.keep = kept.setting
    return kept
