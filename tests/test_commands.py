import json
import math
import os
import subprocess
import sys
import types

import numpy as np
import pytest
from conftest import ROOT, make_pipeline
from PIL import Image
from stand_ins import LABELS, StandInAMT, choice_of, make_judge, studio_of, tiny_corpus

from prism.commands import compare, main, others
from prism.commands.options import Mix, read_mix, read_seeds
from prism.midi import read_midi, write_midi
from prism.midipic import from_picture
from prism.naming import file_stem
from prism.pipeline import PrismPipeline
from prism.ui import baseline, choice
from prism.ui.piece import ShownPiece


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a tiny model."""
    folder = tmp_path_factory.mktemp("weights")
    make_pipeline().save_pretrained(folder)
    return folder


@pytest.fixture
def models(monkeypatch) -> compare.Models:
    """Stand-ins, in place of what `compare` loads."""
    loaded = compare.Models(make_pipeline(), StandInAMT(), tiny_corpus(), make_judge())
    monkeypatch.setattr(compare, "load_models", lambda weights, corpus: loaded)
    return loaded


def complaint(arguments, capsys) -> str:
    """The one line a mistake leads to."""
    assert main([str(a) for a in arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("prism: ") and told.err.count("\n") == 1
    return told.err


def notes_in(path):
    return read_midi(path).window().notes()


def test_a_seed_gives_the_notes_that_python_gets(weights, tmp_path, capsys):
    arguments = ["generate", "Ada=0.7", "Bob=0.3", "--seed", "5", "--guidance-scale", "3",
                 "--num-inference-steps", "4", "--tempo", "90"]  # fmt: skip
    assert main([*arguments, "--weights", str(weights), "--output", str(tmp_path / "new")]) == 0
    roll = PrismPipeline.from_pretrained(weights)(
        ["Ada", "Bob"], [0.7, 0.3], guidance_scale=3, num_inference_steps=4, seed=5, tempo=90
    ).rolls[0]
    path = tmp_path / "new" / "prism-Ada-Bob-seed-5.mid"
    assert capsys.readouterr().out == f"{path}\n"
    words = "Prism: Ada 70 % + Bob 30 % · guidance 3 · seed 5 · 4 steps · "
    text = f"{words}{roll.time_signature[0]}/{roll.time_signature[1]} at 90"
    assert roll.onset.any() and path.read_bytes() == write_midi(roll, texts=[text])


def test_every_kind_of_file_for_every_seed(weights, tmp_path, capsys):
    seeds = ["--seed", "3", "--number", "2", "--num-inference-steps", "1"]
    folders = ["--weights", str(weights), "--output", str(tmp_path)]
    main(["generate", "Ada", *seeds, "--wav", "--png", "--picture", "--json", *folders])
    *paths, last = capsys.readouterr().out.splitlines()
    stems = [f"prism-Ada-seed-{seed}" for seed in (3, 4)]
    endings = (".mid", ".wav", ".png", "-midipic.png")
    assert paths == [str(tmp_path / f"{stem}{end}") for stem in stems for end in endings]
    assert {str(path) for path in tmp_path.iterdir()} == set(paths)
    result = json.loads(last)
    assert result["composers"] == ["Ada"] and [r["seed"] for r in result["rolls"]] == [3, 4]
    files = result["rolls"][0]["files"]
    picture = np.array(Image.open(files["picture"]))[..., ::-1].copy()
    assert from_picture(picture).notes() == notes_in(files["midi"])
    assert notes_in(paths[0]) != notes_in(paths[4])


def test_weights_of_composers():
    known = ["Bach", "Irish reels", "Mozart"]
    assert read_mix(["Bach"], known) == Mix(("Bach",), (1.0,))
    assert read_mix(["Bach=30"], known) == Mix(("Bach",), (1.0,))
    assert read_mix(["Irish reels=3", "Bach"], known) == Mix(("Irish reels", "Bach"), (0.75, 0.25))
    assert read_mix(["Bach", "Mozart=0"], known) == Mix(("Bach",), (1.0,))


@pytest.mark.parametrize("weight", ["", "x", "-1", "nan", "inf", "1=2"])
def test_a_weight_that_is_none(weight):
    with pytest.raises(ValueError, match=f"expected a weight of 0 or more .* got 'Bach={weight}'"):
        read_mix([f"Bach={weight}"], ["Bach"])


def test_all_weights_nought():
    with pytest.raises(ValueError, match="all weights are 0"):
        read_mix(["Bach=0"], ["Bach"])


def test_weights_are_those_of_the_page():
    mix = read_mix(["Ada=1", "Bob=2", "Cleo=4"], LABELS)
    page = choice_of(["Ada", "Bob", "Cleo"], [10, 20, 40])
    assert (mix.composers, mix.weights, str(mix)) == (page.composers, page.weights, page.mix)


def test_seeds():
    assert read_seeds(None, None) == [0]
    assert read_seeds([7, 9, 7], None) == [7, 9]
    assert read_seeds([7], 3) == [7, 8, 9]
    for seeds, number in (([7], 0), ([7, 9], 2)):
        with pytest.raises(ValueError, match="--number: expected 1 or more"):
            read_seeds(seeds, number)


def test_names_are_those_of_the_page():
    for words in (["prism", "O'Carolan", "Irish reels"], ["amt", "nothing"]):
        page = ShownPiece("", "", "", "", name=f"{'-'.join(words)}-seed-7", roll=None)
        assert file_stem(*words, end="seed-7") == page.name
    assert file_stem("?") == "music"


def test_a_long_name_keeps_its_seed():
    stems = {file_stem("prism", "x" * 100, end=f"seed-{seed}") for seed in (1, 2)}
    assert len(stems) == 2 and {len(stem) for stem in stems} == {80}


def test_mistakes_are_told_in_one_line(weights, tmp_path, capsys):
    common = ["--weights", weights, "--output", tmp_path / "new"]
    unknown = complaint(["generate", "Eve", *common], capsys)
    assert "unknown 'Eve'; choose from Ada, Bob, Cleo" in unknown
    assert "expected a weight" in complaint(["generate", "Ada=much", *common], capsys)
    guidance = complaint(["generate", "Ada", "--guidance-scale", 9, *common], capsys)
    assert "guidance_scale: expected a number from 0 to 8, got 9.0" in guidance
    assert "each may be named once" in complaint(["generate", "Ada", "Ada", *common], capsys)
    assert not (tmp_path / "new").exists()


def test_folders_that_do_not_serve(weights, tmp_path, capsys):
    nowhere = ["generate", "Ada", "--weights", tmp_path / "none"]
    assert "no Prism weights at" in complaint(nowhere, capsys)
    (tmp_path / "file").touch()
    wrong = ["generate", "Ada", "--weights", weights, "--output", tmp_path / "file"]
    assert "cannot be made a folder (File exists); choose another" in complaint(wrong, capsys)
    (tmp_path / "prism-Ada-seed-0.mid").mkdir()
    taken = ["generate", "Ada", "--weights", weights, "--output", tmp_path]
    assert "cannot be written (Is a directory)" in complaint(taken, capsys)
    missing = ["compare", "Ada", "--weights", weights, "--corpus", tmp_path]
    assert "prism.corpora prepare" in complaint(missing, capsys)


def test_no_soundfont(weights, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PRISM_SOUNDFONT", str(tmp_path / "none.sf2"))
    arguments = ["generate", "Ada", "--wav", "--weights", weights, "--output", tmp_path]
    assert main([str(a) for a in arguments]) == 2
    assert "prism: no soundfont at" in capsys.readouterr().err


def test_compare_writes_three_files_and_scores(models, tmp_path, capsys):
    assert main(["compare", "Ada", "--seed", "3", "--seed", "4", "--json", "--output",
                 str(tmp_path)]) == 0  # fmt: skip
    *lines, last = capsys.readouterr().out.splitlines()
    first, second = json.loads(last)["comparisons"]
    assert (first["seed"], second["seed"]) == (3, 4)
    files = [*first["files"].values(), *second["files"].values()]
    assert len(set(files)) == 6 and {str(path) for path in tmp_path.iterdir()} == set(files)
    assert len(notes_in(first["files"]["amt"])) == models.amt.notes
    for scores in first["scores"].values():
        assert [s["network"] for s in scores] == ["imagenet", "corpus"]
        assert all(math.isfinite(s["cosine"]) and -1 <= s["cosine"] <= 1.001 for s in scores)
    shown = first["scores"]["prism"][0]
    assert f"seed 3: prism, imagenet: {shown['cosine']:.3f} ({shown['words']})" in lines
    direct = models.judge.scores(
        read_midi(first["files"]["corpus"]).window(),
        {"prism": read_midi(first["files"]["prism"]).window()},
    )
    assert shown["cosine"] == pytest.approx(direct["prism"][0].cosine, abs=1e-6)


@pytest.mark.parametrize("start", compare.AMT_STARTS)
@pytest.mark.parametrize("tempo", [None, 90.0])
def test_compare_draws_what_the_page_draws(models, start, tempo):
    page = StandInAMT()
    studio = studio_of(amt=lambda: page)
    clicked = choice_of(["Bob", "Cleo"], [20, 40], amt_start=start, tempo=tempo, seed=6)
    options = types.SimpleNamespace(
        guidance_scale=2.0, num_inference_steps=16, tempo=tempo, amt_start=start
    )
    shown = compare.sides(models, read_mix(["Bob=1", "Cleo=2"], LABELS), 6, options)
    for name, side in studio.sides.items():
        *_, last = side.stages(clicked)
        piece = last.piece()
        assert shown[name].roll == piece.roll and piece.roll.tempo == shown[name].roll.tempo
        assert shown[name].words == f"{piece.title}: {piece.detail}"
        if name != "corpus":
            assert shown[name].stem == piece.name
    assert models.amt.calls == page.calls


def test_what_the_baseline_starts_from_is_as_on_the_page():
    for seed in (0, 1, 44_488, 2**31 - 1):
        assert compare.amt_seed(seed) == baseline.amt_seed(seed)
    assert tuple(choice.AMT_STARTS) == tuple(compare.AMT_STARTS)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("generate", "--picture"),
        ("compare", "--amt-start"),
        ("evaluate", "--pairs"),
        ("corpora", "prepare"),
        ("train", "--checkpoint-seconds"),
        ("app", "GRADIO_SERVER_PORT"),
    ],
)
def test_every_command_has_help(command, shown, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0 and shown in capsys.readouterr().out


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(name in told for name in ("generate", "compare", *others.OTHERS))


def test_arguments_are_passed_on(tmp_path, capsys):
    with pytest.raises(SystemExit, match="--runs: expected 2 or more, got 1"):
        main(["evaluate", "--runs", "1"])
    with pytest.raises(SystemExit):
        main(["train", "amt", "--preset", "smoke", "--corpus", str(tmp_path)])
    assert f"no prepared corpus at {tmp_path}" in capsys.readouterr().err


def test_app_serves_the_page(monkeypatch):
    served = []
    app = types.SimpleNamespace(main=lambda: served.append("page"))
    monkeypatch.setattr(others, "script", {"app.py": app}.__getitem__)
    assert main(["app"]) == 0 and served == ["page"]


def test_without_the_repository(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(others, "ROOT", tmp_path)
    assert "needs Prism's whole repository" in complaint(["app"], capsys)


def test_runs_as_a_module_without_gradio(weights, tmp_path):
    program = (
        "import runpy, sys\n"
        "sys.modules['gradio'] = None  # to import it is an error\n"
        "runpy.run_module('prism', run_name='__main__')"
    )
    arguments = ["generate", "Ada", "--num-inference-steps", "1", "--weights", str(weights),
                 "--output", str(tmp_path)]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=os.environ | {"CI": "1"},  # pyfluidsynth prints where it found its library if set
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path / 'prism-Ada-seed-0.mid'}\n"
