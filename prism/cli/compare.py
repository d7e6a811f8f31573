"""``prism compare``: Prism, a held-out piece and the baseline, as the page shows them for a click.

For the same settings the pieces are the page's, note for note.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

from prism.cli.files import make_folder, write_files
from prism.cli.options import add_controls, chosen_bundle, read_settings, settings_record
from prism.models.settings import GenerationSettings
from prism.music.metadata import file_stem

if TYPE_CHECKING:
    from prism.service.service import Service


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "compare",
        help="compare Prism and the baseline with a held-out piece",
        description="For each seed write what the page shows for the same controls: Prism's roll, "
        "a held-out piece by the composers and the baseline's sample; print how much like the "
        "piece the two are (cosines by the features of two networks, 1 for the same).",
    )
    add_controls(parser)
    parser.add_argument(
        "--corpus",
        type=pathlib.Path,
        metavar="FOLDER",
        help="another prepared corpus than the bundle's",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw, write and compare; see `prism.cli.main` for the errors."""
    from prism.service.service import load_service

    amt = os.environ.get("PRISM_AMT")
    bundle = chosen_bundle(options).with_others(amt=amt, corpus=options.corpus)
    service = load_service(bundle)
    # First of all what is missing or damaged is told.
    for part in (service.corpus, service.pipeline, service.amt, service.scorer):
        part.get()
    compared = []
    for settings in read_settings(options, service.offered):
        compared.append(_compare(service, settings, options.output))
    if options.json:
        record = settings_record(settings) | {"comparisons": compared}
        print(json.dumps(record, ensure_ascii=False))


def _compare(service: Service, settings: GenerationSettings, folder: pathlib.Path) -> dict:
    pieces = {name: source.piece(settings) for name, source in service.sources.items()}
    make_folder(folder)
    stems = {name: piece.name for name, piece in pieces.items()}
    # Unlike on the page with its seed: two seeds may draw two places in one real piece.
    stems["corpus"] = file_stem(stems["corpus"], end=f"seed-{settings.seed}")
    files = {
        name: write_files(piece, folder, stems[name])["midi"] for name, piece in pieces.items()
    }
    scores = service.scores(pieces)
    for name, found in scores.items():
        for score in found:
            told = f"{name}, {score.network}: {score.cosine:.3f} ({score.words})"
            print(f"seed {settings.seed}: {told}")
    records = {name: [dataclasses.asdict(s) for s in found] for name, found in scores.items()}
    return {"seed": settings.seed, "files": files, "scores": records}
