"""``prism build``: from a folder of MIDI files to a bundle, which ``prism app`` serves.

Prepares the corpus and studies it, trains Prism, the baseline and the music network, measures the
bands, makes the examples and runs the experiment. Stopped at whatever moment, the same command goes
on where it was. docs/your-artists.md is a tutorial.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import pathlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from prism.cli import corpora, evaluate
from prism.cli.build_state import BuildStage, BuildState, GatheredProgress, duration
from prism.cli.build_summary import (
    LEFT_OUT_FILE,
    left_out_lines,
    plan_lines,
    summary_lines,
    write_card,
)
from prism.cli.files import make_folder
from prism.corpora.files import check_source, expected_files
from prism.corpora.midi_preparation import LAYOUTS
from prism.corpora.preparation import MINIMUM_PIECES
from prism.corpora.report import save_study, study_corpus
from prism.corpora.sharded import load_corpus
from prism.drawing.rolls import save_contact_sheet
from prism.music.writing import sole_writer, write_text
from prism.service.bundle import BANDS_FILE, PIECES, RECORD_FILE, open_bundle, write_manifest
from prism.service.make_examples import make_examples, usual_examples
from prism.service.service import load_service
from prism.training.batches import RunConfig
from prism.training.plan import fitting, hours_on, this_machine
from prism.training.presets import MODELS
from prism.training.recipe import AnyRecipe, StudentRecipe, stages_of
from prism.training.run import Unfinished, train

# What a stage takes besides training, roughly and on two cores.
_FILE_SECONDS = 0.01  # of MIDI
_SCORES_SECONDS = 500  # for all of music21's or OpenScore's
_BAND_SECONDS = 150
_SAMPLE_SECONDS = 8  # of the baseline, the slowest
# Of each network that may be trained its folder among the weights, and the stage's title.
_TRAINED = {
    "prism": ("", "training Prism"),
    "student": ("student", "training Prism's student"),
    "amt": ("amt", "training the baseline"),
    "similarity": ("similarity", "training the music network"),
}


class Effort(NamedTuple):
    """What a preset asks of the stages: a preset a network, and how much is drawn and compared.

    Without a student, which takes a GPU, Prism draws in more steps.
    """

    presets: dict[str, str]
    pairs_a_band: int
    runs: int
    experiment: tuple[str, ...]


_FEW = ("--drawn", "25", "--fresh", "2", "--pairs", "20", "--samples", "2", "--steered", "4")
_FEWER = ("--drawn", "10", "--fresh", "2", "--pairs", "10", "--samples", "0", "--steered", "2")
EFFORTS = {
    "smoke": Effort(dict.fromkeys(_TRAINED, "smoke"), 4, 2, ("--quick",)),
    "laptop": Effort(
        {"prism": "laptop", "amt": "laptop", "similarity": "mini"},
        200,
        40,
        ("--runs", "40", *_FEWER),
    ),
    "mini": Effort(dict.fromkeys(_TRAINED, "mini"), 400, 60, ("--runs", "60", *_FEW)),
    "base": Effort(
        dict.fromkeys(_TRAINED, "mini") | {"prism": "base"}, 400, 60, ("--runs", "60", *_FEW)
    ),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and build.

    Raises
    ------
    SystemExit
        With status 1 after a mistake, of which one line on stderr tells.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        Build(options).run()
    except Unfinished as unfinished:
        print(unfinished)
    except KeyboardInterrupt:
        parser.exit(130, "\nstopped; the same command goes on from here\n")
    except (OSError, ValueError) as error:
        parser.exit(1, f"{' '.join(str(error).split())}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prism build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "source",
        help=f"a folder or archive of Artist/Song.mid, or one of {', '.join(_named_sources())}",
    )
    parser.add_argument(
        "--from",
        dest="root",
        type=pathlib.Path,
        help="folder or archive of a named source; openscore is fetched without it, music21 needs "
        "none",
    )
    parser.add_argument("--output", type=pathlib.Path, required=True, help="the bundle's folder")
    parser.add_argument(
        "--preset",
        choices=EFFORTS,
        default="laptop",
        help="smoke (a minute or two, to see that everything works), laptop (the default: about an "
        "hour and a half on two cores), mini or base (for a GPU)",
    )
    parser.add_argument("--name", help="what the page calls it (default: that of the source)")
    parser.add_argument(
        "--pieces",
        choices=PIECES,
        help="whether a page that others can reach lets real pieces be seen, heard and saved "
        "(default: what their terms allow)",
    )
    parser.add_argument("--minutes", type=float, help="stop after that long; run again to go on")
    parser.add_argument("--plan", action="store_true", help="say what it will take here, and stop")
    parser.add_argument(
        "--compile", action="store_true", help="the networks; faster, needs a C++ compiler"
    )
    parser.add_argument("--minimum-pieces", type=int, default=MINIMUM_PIECES, metavar="N")
    parser.add_argument("--top", type=int, metavar="N", help="only the N largest artists")
    parser.add_argument("--keep-versions", action="store_true", help="every version of a song")
    parser.add_argument("--processes", type=int, default=2, help="that read files")
    return parser


def _named_sources() -> list[str]:
    return [*corpora.SCORES, *(name for name in LAYOUTS if name != "folder")]


class Build:
    """The stages of one build, in their order.

    Parameters
    ----------
    options : Namespace
        Of the command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.effort = options, EFFORTS[options.preset]
        is_named = options.source in _named_sources()
        self.layout = options.source if is_named else "folder"
        self.root = options.root if is_named else pathlib.Path(options.source)
        if self.root is None and self.layout not in corpora.SCORES:
            raise ValueError(f"{options.source} is read from a folder or archive: give --from PATH")
        if self.layout in corpora.SCORES and (options.top or options.keep_versions):
            raise ValueError(
                f"--top and --keep-versions are for MIDI files, not for {self.layout}; leave them "
                "out"
            )
        self.folder = options.output
        self.corpus, self.weights = self.folder / "corpus", self.folder / "weights"
        self.work = self.folder / "run"
        minutes = options.minutes
        self.deadline = None if minutes is None else time.monotonic() + 60 * minutes

    def stages(self) -> list[BuildStage]:
        """All stages with what they may take on this machine."""
        reading = _SCORES_SECONDS
        if self.layout not in corpora.SCORES:
            files = expected_files(self.root) if self.root.exists() else 0
            reading = (files or 0) * _FILE_SECONDS
        card = this_machine()
        trained = [
            BuildStage(
                network,
                title,
                3600 * hours_on(self._recipe(network), card) + 5,
                functools.partial(self._train, network),
                self.weights / folder / RECORD_FILE,
            )
            for network, (folder, title) in _TRAINED.items()
            if network in self.effort.presets
        ]
        bands = _BAND_SECONDS * self.effort.pairs_a_band / 400 + 3
        runs = 2 * self.effort.runs * _SAMPLE_SECONDS
        study, examples, result = (
            self.folder / f"{name}.json" for name in ("study", "examples", "evaluation")
        )
        measured = self.weights / "similarity" / BANDS_FILE
        prepare, sample = self._prepare, 5 * _SAMPLE_SECONDS
        return [
            BuildStage("prepare", "reading the music", reading + 3, prepare, self.corpus),
            BuildStage("study", "studying the music", reading / 4 + 1, self._study, study),
            *trained,
            BuildStage("bands", "measuring real pairs", bands, self._bands, measured),
            BuildStage("examples", "making examples", sample, self._examples, examples),
            BuildStage("experiment", "running the experiment", runs, self._experiment, result),
        ]

    def run(self) -> None:
        """Do what is left; say at the end what there is."""
        if self.root and not self.corpus.exists():
            check_source(self.root)
        stages = self.stages()
        if self.options.plan:
            recipes = {network: self._recipe(network) for network in self.effort.presets}
            print("\n".join(plan_lines(stages, recipes, this_machine().name)))
            return
        make_folder(self.folder)
        choices = ("preset", "minimum_pieces", "top", "keep_versions")
        begun = {"source": self.layout, "from": str(self.root and self.root.resolve())}
        begun |= {name: getattr(self.options, name) for name in choices}
        state = BuildState(self.folder, begun)
        make_folder(self.work)
        with sole_writer(self.work):
            self._run(stages, state)
        write_card(open_bundle(self.folder), load_corpus(self.corpus).labels)
        print("\n".join(summary_lines(self.folder, self.work, state)))

    def _run(self, stages: Sequence[BuildStage], state: BuildState) -> None:
        progress = GatheredProgress(stages)
        for number, stage in enumerate(stages):
            if stage.name in state.done and stage.is_there:
                continue
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise Unfinished(f"stopped before {stage.title}; the same command goes on")
            started = time.monotonic()
            with progress.of(number):
                stage.work()
                if self.corpus.is_dir():
                    self._write_manifest()
            state.add(stage.name, time.monotonic() - started)
            progress.say(f"{stage.title}: done in {duration(time.monotonic() - started)}")

    def _write_manifest(self) -> None:
        is_named = self.layout != "folder"
        name = self.options.name or (self.layout if is_named else self.root.resolve().stem)
        corpus = load_corpus(self.corpus)
        music = f"{len(corpus.pieces):,} pieces of the collection “{name}”"
        if getattr(self._recipe("prism"), "start", ""):
            music += ", beginning with the weights that Prism brings along"
        show = PIECES.get(self.options.pieces)
        write_manifest(open_bundle(self.folder), corpus, name, music, show)

    def _prepare(self) -> None:
        """The same as ``prism corpora prepare`` does."""
        given = ["prepare", self.layout, "--processes", str(self.options.processes)]
        given += ["--minimum-pieces", str(self.options.minimum_pieces)]
        given += ["--from", str(self.root)] if self.root else []
        given += ["--top", str(self.options.top)] if self.options.top else []
        given += ["--keep-versions"] if self.options.keep_versions else []
        given += ["--output", str(self.corpus), "--cache", str(self.work / "cache")]
        options = corpora.command_parser().parse_args(given)
        make_folder(self.corpus)
        _, report = corpora.prepared(options, self.corpus)
        lines = left_out_lines(report)
        write_text(self.work / LEFT_OUT_FILE, "".join(f"{line}\n" for line in lines))

    def _study(self) -> None:
        save_study(study_corpus(load_corpus(self.corpus), self.layout), self.folder / "study.json")

    def _recipe(self, network: str) -> AnyRecipe:
        recipe = MODELS[network][self.effort.presets[network]]
        if isinstance(recipe, StudentRecipe):
            return dataclasses.replace(recipe, teacher=str(self.weights))
        return recipe

    def _train(self, network: str) -> None:
        recipe, weights = self._recipe(network), self.weights / _TRAINED[network][0]
        config = RunConfig(
            compiled=self.options.compile,
            accumulation=fitting(recipe),
            deadline=self.deadline,
            draw_samples=save_contact_sheet,
        )
        train(recipe, load_corpus(self.corpus), self.work / network, weights, config)
        done = json.loads((weights / RECORD_FILE).read_text(encoding="utf-8"))["steps"]
        for name, stage in stages_of(recipe).items():
            # A corpus may have nothing for a stage to learn, such as no collections.
            if done.get(name, stage.steps) < stage.steps:
                steps = f"{done[name]:,} of {stage.steps:,} steps"
                raise Unfinished(f"{name}: {steps} done; the same command goes on")

    def _bands(self) -> None:
        pairs = str(self.effort.pairs_a_band)
        self._evaluate("bands", "--pairs-a-band", pairs)

    def _evaluate(self, *arguments: str) -> None:
        given = [*arguments, "--bundle", str(self.folder)]
        evaluate.run(evaluate.command_parser().parse_args(given))

    def _examples(self) -> None:
        service = load_service(open_bundle(self.folder))
        make_examples(service, usual_examples(service.composers))

    def _experiment(self) -> None:
        if len(load_corpus(self.corpus).labels) < 2:
            return  # there are none to tell apart, of which the page speaks
        self._evaluate(*self.effort.experiment, "--result", str(self.folder / "evaluation.json"))
