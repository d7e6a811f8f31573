"""Two checkpoints, each of one run on one corpus: what a damaged or a foreign one leads to."""

import dataclasses
import json
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from safetensors import SafetensorError
from test_training import TINY, stage
from test_writing import HOLDER, fill_disk

from prism.cli import train
from prism.music.writing import WriteError
from prism.similarity.networks import CorpusFeatures
from prism.training import presets, run
from prism.training.amt import AMTStage
from prism.training.checkpoints import CheckpointError, Checkpoints
from prism.training.loop import Trainer
from prism.training.presets import AMT_PRESETS, SIMILARITY_PRESETS
from prism.training.recipe import StageRecipe
from prism.training.similarity import SimilarityStage
from prism.training.stages import AutoencoderStage, DiTStage

SHORT = StageRecipe(steps=2, batch_size=2, learning_rate=1e-3, evaluate_every=9)


def flipped(content: bytes) -> bytes:
    """One bit of a weight is another."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "cut at the end": lambda content: content[:-1],
    "nonsense": lambda content: b"no checkpoint" * 100,
    "a flipped bit": flipped,
    "another archive": lambda content: (ROOT / "assets/corpus/corpus.npz").read_bytes(),
}


def begun(corpus, folder) -> Checkpoints:
    """A run of six steps after its fourth, with a checkpoint of its third, where it evaluated."""
    trainer = Trainer(stage(corpus), folder)
    trainer.run(stop_after=4)
    return trainer.checkpoints


def step_in(path) -> int:
    return torch.load(path, weights_only=True)["progress"]["step"]


def assert_ends_like_a_whole_run(corpus, tmp_path) -> None:
    whole = Trainer(stage(corpus), tmp_path / "whole").run()
    resumed = Trainer(stage(corpus), tmp_path / "cut").run()
    for a, b in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(corpus, tmp_path, capsys, damage):
    kept = begun(corpus, tmp_path / "cut")
    assert (step_in(kept.latest), step_in(kept.before)) == (4, 3)
    kept.latest.write_bytes(DAMAGES[damage](kept.latest.read_bytes()))
    trainer = Trainer(stage(corpus), tmp_path / "cut")
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == f"{kept.latest} is damaged; going on from {kept.before}, step 3"
    # The good one is not given up for the damaged one.
    trainer.run(stop_after=4)
    assert (step_in(kept.latest), step_in(kept.before)) == (4, 3)
    assert_ends_like_a_whole_run(corpus, tmp_path)


def test_both_damaged_ones_are_named_and_left(corpus, tmp_path):
    kept = begun(corpus, tmp_path)
    for path in (kept.latest, kept.before):
        path.write_bytes(b"")
    with pytest.raises(CheckpointError) as error:
        Trainer(stage(corpus), tmp_path)
    assert str(error.value) == (
        f"{kept.latest} and {kept.before}: damaged, and there is no other checkpoint; restore one, "
        "or delete them to begin anew"
    )
    assert kept.latest.is_file() and kept.before.is_file()


def test_killed_between_two_renames(corpus, tmp_path, capsys):
    kept = begun(corpus, tmp_path / "cut")
    kept.latest.replace(kept.before)
    assert Trainer(stage(corpus), tmp_path / "cut").state.step == 4
    assert "damaged" not in capsys.readouterr().err
    assert_ends_like_a_whole_run(corpus, tmp_path)


def test_a_full_disk_keeps_both_checkpoints(corpus, tmp_path):
    kept = begun(corpus, tmp_path / "cut")
    fill_disk(kept.latest)
    with pytest.raises(WriteError, match=r"autoencoder.pt cannot be written \(No space left on"):
        Trainer(stage(corpus), tmp_path / "cut").run()
    # A large network meets the end of the disk elsewhere.
    fill_disk(kept.latest)
    with pytest.raises(WriteError, match="No space left on"):
        kept.write({"weights": torch.zeros(400_000)})
    assert (step_in(kept.latest), step_in(kept.before)) == (4, 3)
    assert_ends_like_a_whole_run(corpus, tmp_path)


def on(corpus, digest: str):
    return dataclasses.replace(corpus, digest=digest)


def stages(corpus, folder) -> dict:
    """Makers of every kind of stage on a corpus."""
    tiny = dataclasses.replace(TINY, autoencoder=SHORT, dit=SHORT)
    amt = dataclasses.replace(AMT_PRESETS["smoke"], amt=SHORT)
    similarity = dataclasses.replace(SIMILARITY_PRESETS["smoke"], similarity=SHORT)
    coder = AutoencoderStage(tiny, corpus).network
    return {
        "autoencoder": lambda c: AutoencoderStage(tiny, c),
        "dit": lambda c: DiTStage(tiny, c, coder, folder),
        "amt": lambda c: AMTStage(amt, c),
        "similarity": lambda c: SimilarityStage(similarity, c),
    }


@pytest.mark.parametrize("name", ["autoencoder", "dit", "amt", "similarity"])
def test_a_run_on_another_corpus_is_refused(corpus, tmp_path, name):
    first, second = on(corpus, "a" * 64), on(corpus, "b" * 64)
    made = stages(first, tmp_path)[name]
    Trainer(made(first), tmp_path).run(stop_after=1)
    assert Trainer(made(first), tmp_path).state.step == 1
    for other in (second, on(corpus, "")):
        with pytest.raises(CheckpointError, match="on another corpus .SHA-256 aaaa.*; choose"):
            Trainer(made(other), tmp_path)


def test_another_network_s_checkpoint_is_told(corpus, tmp_path):
    kept = begun(corpus, tmp_path)
    other = torch.load(kept.latest, weights_only=True)
    other["network"]["extra"] = torch.zeros(1)
    torch.save(other, kept.latest)
    with pytest.raises(CheckpointError, match="belongs to a run of another network.*; choose"):
        Trainer(stage(corpus), tmp_path)


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """`smoke` of every model takes two steps; runs lie below the test's folder."""
    monkeypatch.setattr(train, "ROOT", tmp_path)
    for model in ("amt", "similarity"):
        smoke = presets.MODELS[model]["smoke"]
        changed = dataclasses.replace(smoke, **{model: SHORT})
        monkeypatch.setitem(presets.MODELS[model], "smoke", changed)
    smoke = dataclasses.replace(TINY, autoencoder=SHORT, dit=SHORT)
    monkeypatch.setitem(presets.MODELS["prism"], "smoke", smoke)


def refused(arguments, capsys) -> str:
    """The one line that a refused command ends with."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        train.main([str(a) for a in arguments])
    told = capsys.readouterr().err
    assert left.value.code == 1 and told.count("\n") == 1
    return told


@pytest.mark.parametrize("model", ["prism", "amt", "similarity"])
def test_each_corpus_has_a_folder_of_its_own(corpus, tmp_path, model, quick, capsys):
    corpus.save(tmp_path / "one")
    fewer = corpus.pieces[:2] + corpus.pieces[3:], corpus.splits[:2] + corpus.splits[3:]
    run.Corpus(*fewer, corpus.labels).save(tmp_path / "two")
    command = [model, "--preset", "smoke", "--corpus"]
    digests = {}
    for name in ("one", "two"):
        train.main([*command, str(tmp_path / name)])
        digests[name] = run.Corpus.load(tmp_path / name).digest
    prefix = "" if model == "prism" else f"{model}-"
    folders = {tmp_path / "runs" / f"{prefix}smoke-{digest[:12]}" for digest in digests.values()}
    assert set((tmp_path / "runs").iterdir()) == folders and len(folders) == 2
    for folder in folders:
        record = json.loads((folder / "weights" / "training.json").read_text())
        assert folder.name.endswith(record["corpus_sha256"][:12])
    there = tmp_path / "runs" / f"{prefix}smoke-{digests['one'][:12]}"
    kept = {path: path.read_bytes() for path in there.rglob("*") if path.is_file()}
    told = refused([*command, tmp_path / "two", "--output", there], capsys)
    assert "belongs to a run on another corpus (SHA-256" in told
    assert {path: path.read_bytes() for path in there.rglob("*") if path.is_file()} == kept


@pytest.mark.slow
def test_two_runs_in_one_folder(corpus, tmp_path, quick, capsys):
    corpus.save(tmp_path / "corpus")
    output = tmp_path / "run"
    output.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(output)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    command = ["amt", "--preset", "smoke", "--corpus", tmp_path / "corpus", "--output", output]
    try:
        assert holder.stdout.readline() == "in\n"
        told = refused(command, capsys)
    finally:
        holder.kill()
        holder.wait()
    assert f"another process is writing into {output}; wait until it ends, or choose" in told
    assert not (output / "amt.pt").exists()
    train.main([str(a) for a in command])
    assert (output / "weights" / "training.json").is_file()


def test_weights_that_find_no_room_leave_the_old_ones(corpus, tmp_path, monkeypatch):
    recipe = dataclasses.replace(SIMILARITY_PRESETS["smoke"], similarity=SHORT)
    run.train(recipe, corpus, tmp_path / "run", tmp_path / "weights")
    kept = {path: path.read_bytes() for path in (tmp_path / "weights").iterdir()}
    assert {path.name for path in kept} == {
        "config.json",
        "diffusion_pytorch_model.safetensors",
        "training.json",
    }

    def cut(self, folder):
        (folder / "config.json").write_text("{")
        raise SafetensorError("Error while serializing: No space left on device (os error 28)")

    monkeypatch.setattr(CorpusFeatures, "save_pretrained", cut)
    with pytest.raises(WriteError, match="weights cannot be written .*No space left.*make room"):
        run.train(recipe, corpus, tmp_path / "run", tmp_path / "weights")
    assert {path: path.read_bytes() for path in (tmp_path / "weights").iterdir()} == kept


@pytest.mark.parametrize("option", ["--output", "--weights"])
def test_unwritable_folders_are_told_before_anything_is_trained(
    corpus, tmp_path, quick, capsys, option
):
    corpus.save(tmp_path / "corpus")
    (tmp_path / "file").touch()
    command = ["similarity", "--preset", "smoke", "--corpus", tmp_path / "corpus"]
    told = refused([*command, option, tmp_path / "file" / "x"], capsys)
    assert told.startswith(f"{option}: {tmp_path / 'file' / 'x'} cannot be made a folder (Not a")
    assert not list(tmp_path.rglob("similarity.pt"))


@pytest.mark.parametrize("model", ["prism", "amt", "similarity"])
def test_a_corpus_of_one_label_is_learnt(corpus, tmp_path, model, quick):
    ada = run.Corpus(corpus.pieces[:5], corpus.splits[:5], ("Ada",))
    recipe = presets.MODELS[model]["smoke"]
    run.train(recipe, ada, tmp_path / "run", tmp_path / "weights")
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    assert record["labels"] == ["Ada"]


def test_the_likeliest_two_of_one_label_are_that_one(corpus):
    ada = run.Corpus(corpus.pieces[:5], corpus.splits[:5], ("Ada",))
    stage = SimilarityStage(SIMILARITY_PRESETS["smoke"], ada)
    figures = stage.evaluate(stage.network, 0)
    assert figures["validation_accuracy"] == figures["validation_top_two"] == 1
