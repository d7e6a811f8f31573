"""A run that is killed, at whatever moment, goes on as if nothing had been."""

import dataclasses
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from test_training import TINY, stage

from prism.training import loop
from prism.training.batches import RunConfig
from prism.training.files import COLUMNS, StepLog

# Its parent never touches the networks, so each child starts as a new process would, but at once.
# With a checkpoint after every step most kills come while one is written.
KILLER = """
import os, pathlib, signal, sys, time
sys.path.insert(0, "tests")
import test_training_kill as tests
from prism.corpora.prepared import Corpus
folder = pathlib.Path(sys.argv[1])
corpus = Corpus.load(folder / "corpus")
for wait in (0.03, 0.11, 0.06, None):
    child = os.fork()
    if child == 0:
        try:
            tests.run(corpus, folder / "killed")
        finally:
            os._exit(0)
    if wait is not None:
        while not (folder / "killed" / "autoencoder.pt").is_file():
            time.sleep(0.005)
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print("killed" if os.WIFSIGNALED(status) else "done", flush=True)
"""
MANY = dataclasses.replace(TINY, autoencoder=dataclasses.replace(TINY.autoencoder, steps=80))


def run(corpus, folder) -> None:
    """A short run that writes a checkpoint after every step."""
    torch.set_num_threads(1)
    tiny = stage(corpus, MANY)
    tiny.evaluate = lambda *_: {"nothing": 0.0}
    loop.Trainer(tiny, folder, RunConfig(checkpoint_seconds=0)).run()


@pytest.mark.slow
def test_killed_again_and_again(corpus, tmp_path):
    corpus.save(tmp_path / "corpus")
    killer = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path)],
        cwd=ROOT,
        timeout=120,
        capture_output=True,
        text=True,
    )
    ends = [line for line in killer.stdout.splitlines() if line in ("killed", "done")]
    assert ends == ["killed", "killed", "killed", "done"], killer.stderr
    threads = torch.get_num_threads()
    run(corpus, tmp_path / "whole")
    torch.set_num_threads(threads)
    whole, killed = (
        torch.load(tmp_path / name / "autoencoder.pt", weights_only=True)
        for name in ("whole", "killed")
    )
    assert killed["progress"]["step"] == MANY.autoencoder.steps
    for part in ("network", "average"):
        assert all(torch.equal(w, killed[part][name]) for name, w in whole[part].items())
    steps = [line.split(",")[0] for line in (tmp_path / "killed/autoencoder.csv").open()]
    assert steps == ["step", *map(str, range(1, 81))]


def test_a_checkpoint_cut_short_leaves_the_last_one(corpus, tmp_path, monkeypatch):
    trainer = loop.Trainer(stage(corpus), tmp_path)
    trainer.run(stop_after=2)
    before = trainer.checkpoints.latest.read_bytes()

    def cut(state, file):
        file.write(before[: len(before) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(loop.torch, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        loop.Trainer(stage(corpus), tmp_path).run(stop_after=4)
    assert trainer.checkpoints.latest.read_bytes() == before
    assert loop.Trainer(stage(corpus), tmp_path).state.step == 2


def test_the_log_forgets_steps_that_are_done_again(tmp_path):
    path = tmp_path / "log.csv"
    log = StepLog(path)
    for step in range(1, 4):
        log.add(**dict.fromkeys(COLUMNS, 0.5) | {"step": step})
    log.flush()
    with path.open("a") as file:
        file.write("4,0.")  # killed while it wrote
    StepLog(path, step=2)
    assert [line.split(",")[0] for line in path.read_text().split()] == ["step", "1", "2"]
