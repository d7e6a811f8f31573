"""``prism compare``: Prism, a held-out piece and the baseline, as the page shows them for a click.

For the same controls the rolls are the page's, note for note.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

from prism import ASSETS
from prism.amt.prompt import amt_prompt, amt_seed
from prism.cli.files import make_folder, write_files
from prism.cli.options import add_controls, drawn_inscription, read_settings, settings_record
from prism.corpora.provenance import checkpoint
from prism.models.settings import GenerationSettings
from prism.music.metadata import real_lines, written_lines
from prism.music.naming import file_stem, window_words

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline
    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import PrismPipeline
    from prism.music.roll import PianoRoll
    from prism.music.windows import Window
    from prism.similarity.scorer import SimilarityScorer


@dataclasses.dataclass(frozen=True)
class Models:
    """Everything that takes part."""

    prism: PrismPipeline
    amt: AMTPipeline
    corpus: Corpus
    judge: SimilarityScorer


@dataclasses.dataclass(frozen=True)
class Shown:
    """One side's roll, the stem of its file, and the lines for it; see `prism.music.metadata`."""

    roll: PianoRoll
    stem: str
    lines: tuple[str, ...]

    @property
    def words(self) -> str:
        """What it is."""
        return self.lines[0]


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "compare",
        help="compare Prism and the baseline with a held-out piece",
        description="For each seed write what the page shows for the same controls: Prism's roll, "
        "a held-out piece by the composers and the baseline's sample; print how much like the "
        "piece the two are (cosines in the eyes of two networks, 1 for the same).",
    )
    add_controls(parser)
    parser.add_argument(
        "--corpus",
        type=pathlib.Path,
        default=ASSETS / "corpus",
        metavar="FOLDER",
        help="prepared corpus",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Draw, write and compare; see `prism.cli.main` for the errors."""
    models = load_models(options.weights, options.corpus)
    wanted = read_settings(options, models.prism.offered)
    compared = [_compare(models, settings, options.output) for settings in wanted]
    if options.json:
        record = settings_record(wanted[0]) | {"comparisons": compared}
        print(json.dumps(record, ensure_ascii=False))


def load_models(weights: pathlib.Path, corpus: pathlib.Path) -> Models:
    """Load what the page loads, ``PRISM_AMT`` for another baseline included.

    Raises
    ------
    WeightsError, ValueError, OSError
        If something is missing or damaged; the message says what to do.
    """
    from prism.amt.pipeline import AMTPipeline
    from prism.corpora.prepared import Corpus
    from prism.models.hub import find_weights
    from prism.models.pipeline import PrismPipeline
    from prism.similarity.scorer import SimilarityScorer

    weights = find_weights(weights)
    prism = PrismPipeline.from_pretrained(weights)
    music = Corpus.load(corpus)
    amt = AMTPipeline.from_pretrained(os.environ.get("PRISM_AMT") or weights.resolve() / "amt")
    judge = SimilarityScorer.from_pretrained(weights / "similarity", list(music.labels))
    return Models(prism, amt, music, judge)


def sides(models: Models, settings: GenerationSettings) -> dict[str, Shown]:
    """Draw all sides: ``prism``, ``corpus`` and ``amt``."""
    from prism.corpora.dataset import corpus_sample

    *_, last = models.prism.stream(settings)
    (roll,) = last.rolls
    window = corpus_sample(models.corpus, settings.composers, settings.seed)
    return {
        "prism": Shown(
            roll,
            file_stem("prism", *settings.composers, end=f"seed-{settings.seed}"),
            drawn_inscription(models.prism, settings, roll),
        ),
        "corpus": _real(window, settings),
        "amt": _baseline(models, settings, window, roll),
    }


def _real(window: Window, settings: GenerationSettings) -> Shown:
    piece, roll = window.piece, window.roll
    roll = roll if settings.tempo is None else roll.with_tempo(settings.tempo)
    # Unlike on the page with its seed: two seeds may draw two places in one piece.
    stem = file_stem(piece.label, piece.title, end=f"seed-{settings.seed}")
    words = f"{piece.title}: {window_words(window, roll)}"
    return Shown(roll, stem, (words, *real_lines(piece)))


def _baseline(
    models: Models, settings: GenerationSettings, window: Window, drawn: PianoRoll
) -> Shown:
    from prism.corpora.dataset import prompt_sample

    beginning = amt_prompt(
        settings.amt_start,
        lambda: prompt_sample(models.corpus, window, settings.seed),
        lambda: drawn,
    )
    *_, last = models.amt.stream(
        prompt=beginning.prompt,
        melody=beginning.melody,
        seed=amt_seed(settings.seed),
        tempo=settings.tempo,
        time_signature=None,
    )
    by = () if settings.amt_start == "nothing" else settings.composers
    stem = file_stem("amt", *by, end=f"{settings.amt_start}-seed-{settings.seed}")
    words = f"AMT: {beginning.detail(models.amt.name, settings.seed, last.roll)}"
    lines = written_lines(models.amt.name, amt_seed(settings.seed), checkpoint(models.amt.model))
    return Shown(last.roll, stem, (words, *lines))


def _compare(models: Models, settings: GenerationSettings, folder: pathlib.Path) -> dict[str, Any]:
    shown, seed = sides(models, settings), settings.seed
    make_folder(folder)
    files = {
        name: write_files(side.roll, folder, side.stem, side.lines)["midi"]
        for name, side in shown.items()
    }
    generated = {name: side.roll for name, side in shown.items() if name != "corpus"}
    scores = models.judge.scores(shown["corpus"].roll, generated)
    for name, found in scores.items():
        for score in found:
            print(f"seed {seed}: {name}, {score.network}: {score.cosine:.3f} ({score.words})")
    records = {name: [dataclasses.asdict(s) for s in found] for name, found in scores.items()}
    return {"seed": seed, "files": files, "scores": records}
