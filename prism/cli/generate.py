"""``prism generate``: composers and seeds in, files out."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from prism.cli.files import ENDINGS, make_folder, write_files
from prism.cli.options import add_controls, drawn_inscription, read_settings, settings_record
from prism.models.settings import GenerationSettings
from prism.music.naming import file_stem

if TYPE_CHECKING:
    from prism.music.roll import PianoRoll


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

    pipeline = PrismPipeline.from_pretrained(options.weights)
    wanted = read_settings(options, pipeline.offered)
    made = []
    for settings in wanted:
        *_, last = pipeline.stream(settings)
        (roll,) = last.rolls
        # Not before the first roll: a mistake among the settings leaves no folder behind.
        make_folder(options.output)
        lines = drawn_inscription(pipeline, settings, roll)
        made.append(_write(roll, settings, lines, options))
    if options.json:
        print(json.dumps(settings_record(wanted[0]) | {"rolls": made}, ensure_ascii=False))


def _write(
    roll: PianoRoll,
    settings: GenerationSettings,
    lines: tuple[str, ...],
    options: argparse.Namespace,
) -> dict[str, Any]:
    kinds = [kind for kind in ENDINGS if kind == "midi" or getattr(options, kind)]
    stem = file_stem("prism", *settings.composers, end=f"seed-{settings.seed}")
    files = write_files(roll, options.output, stem, lines, kinds)
    return {
        "seed": settings.seed,
        "notes": len(roll.notes()),
        "tempo": roll.tempo,
        "time_signature": list(roll.time_signature),
        "files": files,
    }
