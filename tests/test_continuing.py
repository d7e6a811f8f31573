"""Going on from a MIDI file: which bars are kept, and ``prism generate --keep``."""

import json

import pytest
from conftest import make_pipeline
from test_known import tune

from prism.cli import main
from prism.models.continuation import continued
from prism.models.pipeline import PrismPipeline
from prism.models.settings import GenerationSettings
from prism.music.midi import read_midi, write_midi
from prism.service.continuing import KeptBars

COMMON = ["--num-inference-steps", "2", "--seed", "5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("continuing")
    make_pipeline().save_pretrained(folder / "weights")
    write_midi(tune(480, tempo=90, time_signature=(3, 4)), folder / "waltz.mid")
    return folder


def test_bars_of_a_file(folder):
    opening = KeptBars.read(folder / "waltz.mid", "3-4")
    assert (opening.parts, opening.words) == (((3, 4),), "bars 3-4 of waltz.mid")
    roll = opening.roll
    assert (roll.beats, roll.tempo, roll.time_signature) == (6, 90, (3, 4))
    assert roll == read_midi(folder / "waltz.mid").window(6 * 24, 24)
    assert KeptBars.read(folder / "waltz.mid", "3").roll.beats == 3
    # Ten bars of three beats are within the first 32.
    assert KeptBars.read(folder / "waltz.mid").roll.beats == 30


def test_two_groups_of_bars_of_a_file(folder):
    """They are counted from the first that is kept, and what lies between is drawn."""
    ends = KeptBars.read(folder / "waltz.mid", "3-4, 7")
    assert ends.roll.beats == 15 and ends.words == "bars 3-4,7 of waltz.mid"
    file, bars = ends.setting.split(":")
    assert file.startswith("yours-") and bars == "1-2,5"
    assert ends.shown.title == "waltz from bar 3"


@pytest.mark.parametrize(
    ("bars", "told"),
    [
        ("41", "bars from 1 to 40"),
        ("1-4,4-6", "groups of bars that"),
        ("1,2,3", "at most 2 groups"),
    ],
)
def test_bars_that_there_are_not_are_told(folder, bars, told):
    with pytest.raises(ValueError, match=f"bars: expected {told}"):
        KeptBars.read(folder / "waltz.mid", bars)


def generate(folder, *arguments) -> int:
    folders = ["--weights", str(folder / "weights"), "--output", str(folder / "music")]
    return main(["generate", "Ada", *COMMON, *arguments, *folders])


def test_the_command_goes_on_from_a_file(folder, capsys):
    keep = ["--keep", str(folder / "waltz.mid"), "--bars", "1-8", "--beats", "100"]
    assert generate(folder, *keep, "--json") == 0
    path, last = capsys.readouterr().out.splitlines()
    assert "prism-Ada-waltz-bars-1-8-seed-5-100-beats-" in path
    piece, kept = read_midi(path), read_midi(folder / "waltz.mid")
    chosen = GenerationSettings("Ada", seed=5, num_inference_steps=2)
    pipe = PrismPipeline.from_pretrained(folder / "weights")
    *_, roll = continued(pipe, kept.window(0, 96), chosen, 100)
    drawn = piece.window(frames=400)
    assert [n[:3] for n in drawn.notes()] == [n[:3] for n in roll.notes()]
    assert drawn.time_signature == (3, 4) and drawn.tempo == 90
    told = json.loads(last)
    assert told["rolls"][0]["tempo"] == 90 and told["kept"] == "bars 1-8 of waltz.mid"
    assert told["keep"].endswith(":1-8") and told["beats"] == 100


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--bars", "1-8"], "--bars: expected --keep FILE beside it, got '1-8'"),
        (["--keep", "nowhere.mid"], "--keep: expected a MIDI file that is there, or whose bars"),
        (["--keep", "FILE", "--beats", "12"], "beats: expected a whole number from 64 to 256"),
        (["--keep", "FILE", "--metre", "4/4"], "expected nothing or 3/4, that of the known beats"),
        (["--keep", "FILE", "--redraw", "40:2"], "redraw: expected bars from 1 to 22"),
        (["--keep", "FILE", "--bars", "1-30"], "keep: expected bars that end before beat 64; keep"),
        (["--keep", "FILE", "--bars", "1,30"], "keep: expected bars within 64 beats, or one group"),
        (["--keep", "yours:1-8"], "keep: expected bars of a piece that is here"),
        (["--keep", "ours:1-8"], "--keep: expected a MIDI file that is there, or whose bars"),
        (["--keep", "real"], "keep: expected whose bars (real, amt or yours) and which"),
        (["--keep", "real:0-8"], "keep: expected bars from 1 to 256, such as 1-8, got '0-8'"),
    ],
)
def test_what_cannot_be_continued_is_told(folder, capsys, arguments, told):
    given = [str(folder / "waltz.mid") if a == "FILE" else a for a in arguments]
    assert generate(folder, *given) == 2
    assert told in capsys.readouterr().err


def test_bars_are_redrawn_from_the_command_line(folder, capsys):
    assert generate(folder, "--redraw", "2-3:9", "--json") == 0
    path, last = capsys.readouterr().out.splitlines()
    assert "prism-Ada-seed-5-redrawn-1-2-3-9-" in path
    assert json.loads(last)["redraw"] == "2-3:9"
