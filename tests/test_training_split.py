"""However a batch is split, on parts, processes or workers, the same is learnt."""

import csv
import dataclasses
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT
from test_training import TINY

from prism.training.amt import AMTStage
from prism.training.batches import RunConfig, part_rows
from prism.training.loop import Trainer
from prism.training.presets import AMT_PRESETS
from prism.training.recipe import StageRecipe
from prism.training.stages import AutoencoderStage, DiTStage

SHORT = StageRecipe(steps=4, batch_size=4, learning_rate=1e-3, warmup_steps=1, evaluate_every=9)
RECIPE = dataclasses.replace(TINY, dit=SHORT, autoencoder=SHORT, attributes=("density",))
# What each of two processes runs.
PROCESS = """
import sys, pathlib
sys.path.insert(0, "tests")
from test_training_split import trainer
from prism.corpora.prepared import Corpus
folder = pathlib.Path(sys.argv[1])
run = trainer(Corpus.load(folder / "corpus"), folder / "two")
assert run.accelerator.num_processes == 2
run.run()
"""


def trainer(corpus, folder, **config) -> Trainer:
    """A transformer's, without evaluations."""
    stage = DiTStage(RECIPE, corpus, AutoencoderStage(RECIPE, corpus).network, folder)
    stage.evaluate = lambda *_: {}
    return Trainer(stage, folder, RunConfig(**config))


def losses(folder) -> list[float]:
    with (folder / "dit.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def assert_same_run(folder, other) -> None:
    assert losses(folder) == pytest.approx(losses(other), rel=1e-5)
    assert len(losses(folder)) == SHORT.steps
    ours, theirs = (torch.load(f / "dit.pt", weights_only=True) for f in (folder, other))
    for name, weights in ours["average"].items():
        assert (weights - theirs["average"][name]).abs().max() < 1e-5, name


def test_rows_by_hand():
    assert part_rows(8, 2, 2, process=1) == [slice(2, 4), slice(6, 8)]
    with pytest.raises(ValueError, match=r"batch of 8 cannot be cut into 1 .* 3 .*equal parts"):
        part_rows(8, 1, 3, process=0)


def test_every_stage_draws_the_same_rows_alone(corpus, tmp_path):
    amt = dataclasses.replace(AMT_PRESETS["smoke"], amt=SHORT)
    coder = AutoencoderStage(RECIPE, corpus)
    for stage in (coder, DiTStage(RECIPE, corpus, coder.network, tmp_path), AMTStage(amt, corpus)):
        whole, half = stage.draw(3, slice(None)), stage.draw(3, slice(2, 4))
        assert all(torch.equal(w[2:4], h) for w, h in zip(whole, half, strict=True)), stage.name


def test_parts_and_workers_change_nothing(corpus, tmp_path):
    trainer(corpus, tmp_path / "whole").run()
    trainer(corpus, tmp_path / "parts", accumulation=2).run()
    trainer(corpus, tmp_path / "workers", accumulation=4, workers=1).run()
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    assert_same_run(tmp_path / "whole", tmp_path / "workers")


@pytest.mark.slow
def test_two_processes_learn_what_one_does(corpus, tmp_path):
    corpus.save(tmp_path / "corpus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # What `accelerate launch --cpu --num_processes 2` sets.
    shared = os.environ | {
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            env=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            text=True,
        )
        for rank in range(2)
    ]
    trainer(corpus, tmp_path / "one").run()
    for process in processes:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_the_log_has_rates_norms_and_times(corpus, tmp_path):
    trainer(corpus, tmp_path).run()
    with (tmp_path / "dit.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4]
    assert float(rows[0]["learning_rate"]) == pytest.approx(1e-3)
    assert all(0 < float(row["wait_seconds"]) <= float(row["seconds"]) for row in rows)
    assert np.isfinite([float(row["gradient_norm"]) for row in rows]).all()
