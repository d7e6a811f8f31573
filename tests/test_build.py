"""What a build plans, says and refuses; tests/test_browser_build.py builds a whole bundle."""

from __future__ import annotations

import json

import pytest
from conftest import ROOT, make_piece
from test_bundle import make_bundle

from prism.cli import build
from prism.cli.build_state import BuildStage, BuildState, GatheredProgress, duration
from prism.cli.build_summary import left_out_lines, summary_lines, write_card
from prism.corpora.files import LeftOut
from prism.corpora.preparation import Report
from prism.music.midi import write_midi
from prism.service.bundle import NETWORKS, open_bundle


@pytest.fixture
def music(tmp_path):
    for number in range(3):
        path = tmp_path / "music" / "Ada" / f"{number}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_midi(make_piece("x", seed=number).window(0), path)
    return tmp_path / "music"


def complaint(capsys, *arguments: object) -> str:
    """The one line on stderr with which a build ends."""
    with pytest.raises(SystemExit) as ended:
        build.main([*map(str, arguments), "--preset", "smoke", "--processes", "1"])
    assert ended.value.code == 1
    *_, line = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_folder_without_enough_music_is_told_what_to_do(tmp_path, music, capsys):
    output = tmp_path / "mine"
    few = complaint(capsys, music, "--output", output)
    assert "9 are wanted, and there are Ada 3" in few
    assert few.endswith("add songs, or lower --minimum-pieces (at least 3)")
    (tmp_path / "empty").mkdir()
    assert "holds no MIDI files" in complaint(capsys, tmp_path / "empty", "--output", output)
    assert "no such folder or archive" in complaint(capsys, tmp_path / "no", "--output", output)
    assert "give --from PATH" in complaint(capsys, "lakh", "--output", output)


def test_a_folder_of_something_else_is_left_alone(tmp_path, music, capsys):
    assert "holds something else (Ada)" in complaint(capsys, music, "--output", music)
    assert [path.name for path in music.iterdir()] == ["Ada"]
    (tmp_path / "file").write_text("")
    told = complaint(capsys, music, "--output", tmp_path / "file" / "mine")
    assert "cannot be made a folder" in told


def test_without_time_nothing_is_begun(tmp_path, music, capsys):
    build.main([str(music), "--output", str(tmp_path / "mine"), "--minutes", "0"])
    assert "stopped before reading the music; the same command goes on" in capsys.readouterr().out


def test_the_plan_names_every_stage_and_begins_nothing(tmp_path, music, capsys):
    build.main([str(music), "--output", str(tmp_path / "mine"), "--preset", "mini", "--plan"])
    said = capsys.readouterr().out
    for words in ("reading the music", "training the baseline", "in all", "Disk"):
        assert words in said
    assert not (tmp_path / "mine").exists()


def test_a_build_is_gone_on_with_by_the_same_choices_only(tmp_path):
    BuildState(tmp_path, {"preset": "smoke"})
    state = BuildState(tmp_path, {"preset": "mini"})  # nothing was done yet
    state.add("prepare", 2.04)
    assert BuildState(tmp_path, {"preset": "mini"}).done == {"prepare": 2.0}
    with pytest.raises(ValueError, match="was begun with preset mini, not base; go on with that"):
        BuildState(tmp_path, {"preset": "base"})
    (tmp_path / "run" / "build.json").write_text("{")
    with pytest.raises(ValueError, match="build.json is damaged"):
        BuildState(tmp_path, {"preset": "mini"})


def test_the_line_of_all_stages_by_hand():
    stages = [BuildStage(name, name, seconds, None) for name, seconds in (("a", 10), ("b", 600))]
    progress = GatheredProgress(stages)
    with progress.of(0):
        assert progress.line({}) == "[1/2] a · about 10 min left in all"
        bar = {"prefix": "dit", "n": 50, "total": 1050, "initial": 0, "rate": None}
        line = progress.line(bar | {"elapsed": 10, "unit": "step"})
        # 1,000 steps at 5 a second are 200 s, and then 600.
        assert line == "[1/2] a · dit 50 of 1,050 · 5 step/s · about 13 min left in all"
    assert [duration(s) for s in (7, 90, 5400)] == ["7 s", "2 min", "1.5 h"]


def test_what_was_left_out_is_counted_and_small_artists_are_named():
    skipped = [LeftOut("a.mid", "cut short"), LeftOut("b.mid", "cut short")]
    report = Report(skipped, [("Bob", 1), ("Cleo", 2)])
    assert list(left_out_lines(report)) == [
        "left out 2: cut short",
        "left out Cleo: 2 usable pieces are too few",
        "left out Bob: 1 usable piece is too few",
    ]


def test_the_last_screen_and_the_card(tmp_path):
    folder = make_bundle(tmp_path / "mine")
    for network, (place, _) in NETWORKS.items():
        path = folder / "weights" / place / "training.json"
        last = {"free_validation_loss": 0.5, "note_loss": 9, "validation_accuracy": 0.9}
        record = {"history": {network: [{}, last]}, "labels": ["Ada", "Bob", "Cleo"]}
        path.write_text(json.dumps(json.loads(path.read_text()) | record))
    (folder / "run").mkdir()
    (folder / "run" / "left_out.txt").write_text("left out 2: cut short\n")
    state = BuildState.__new__(BuildState)
    state.done = {"prepare": 30.0, "prism": 90.0}
    lines = list(summary_lines(folder, folder / "run", state))
    assert lines[:2] == [
        f"{folder}: 9 pieces of 3 artists",
        "  Ada: 3 (train, validation, test: [1, 1, 1])",
    ]
    assert "left out 2: cut short" in lines
    assert "The baseline's weights: validation loss 0.500" in lines
    assert lines[-2] == "Of held-out passages 90% are recognised as their artist's (by chance 33%)"
    assert lines[-1] == f"Took 2 min. See it: prism app {folder}"
    write_card(open_bundle(folder), ["Ada", "Bob", "Cleo"])
    card = (folder / "README.md").read_text()
    assert card.startswith("---\n") and "in the manner of Ada, Bob, Cleo" in card
    assert "- made for the tests\n" in card and "prism app" in card


def test_a_student_learns_of_its_bundle_s_transformer_and_two_cores_train_none(tmp_path, music):
    def begun(preset: str) -> build.Build:
        given = [str(music), "--output", str(tmp_path / "mine"), "--preset", preset]
        return build.Build(build._parser().parse_args(given))

    assert begun("mini")._recipe("student").teacher == str(tmp_path / "mine" / "weights")
    names = [stage.name for stage in begun("mini").stages()]
    assert names.index("student") == names.index("prism") + 1
    assert "student" not in [stage.name for stage in begun("laptop").stages()]
    # It begins with what Prism brings along, wherever it is run.
    assert (ROOT / begun("laptop")._recipe("prism").start / "prism.json").is_file()
    assert begun("mini")._recipe("prism").start == ""
