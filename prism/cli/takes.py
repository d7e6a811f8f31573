"""``prism takes``: several drawings of one setting, the one that a rule prefers first."""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import TYPE_CHECKING, Any

from prism.cli.files import make_folder, write_files
from prism.cli.options import add_controls, chosen_bundle, read_settings, settings_record
from prism.models.settings import TAKES
from prism.service.takes import DRAWN, NOT_OF_TAKES, RULES, SORT, Take, ordered

if TYPE_CHECKING:
    from prism.models.settings import GenerationSettings
    from prism.service.service import Service


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "takes",
        help=f"draw {TAKES} takes of one setting",
        description=f"Draw {TAKES} takes for each seed as one batch and write them as MIDI, the "
        "one that goes first at first; take 2 has the notes of the next seed, beside the same real "
        "piece.",
    )
    add_controls(parser, without=["amt_start", *NOT_OF_TAKES])
    rules = "; ".join(f"{name}: {rule.words} ({rule.about})" for name, rule in RULES.items())
    parser.add_argument(
        "--sort", default=DRAWN, help=f"{SORT.description}; {rules} (default: {DRAWN})"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw, sort and write; see `prism.cli.main` for the errors."""
    from prism.service.service import load_service

    sort = SORT.check(options.sort)
    service = load_service(chosen_bundle(options))
    made = []
    for settings in read_settings(options, service.offered):
        *_, takes = service.draw_takes(settings)
        if sort != DRAWN:
            takes = ordered(service.measured(takes), sort)
        made.append([_written(service, take, options.output) for take in takes])
    if options.json:
        record = settings_record(settings) | {"sort": SORT.choices[sort], "takes": made}
        print(json.dumps(record, ensure_ascii=False))


def _written(service: Service, take: Take, folder: pathlib.Path) -> dict[str, Any]:
    settings: GenerationSettings = take.settings
    piece = service.sources["prism"].shown(settings, take.roll).played_on(settings.program)
    make_folder(folder)
    files = write_files(piece, folder, piece.name)
    return {
        "seed": settings.seed,
        "take": take.number,
        "notes": len(take.roll.notes()),
        "figures": dict(take.figures),
        "files": files,
    }
