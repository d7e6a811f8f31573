"""Bars are drawn as ever, or told to a listener."""

from prism.music.progress import ProgressBar, gathered


def test_a_bar_is_drawn_as_ever(capsys):
    list(ProgressBar(range(3), "songs", mininterval=0))
    ProgressBar.write("a line")
    told = capsys.readouterr()
    assert "songs: 100%" in told.err and told.out == "a line\n"


def test_a_gathered_bar_is_told_and_not_drawn(capsys):
    states = []
    with gathered(states.append):
        # Where nobody sees it, tqdm itself would be silent.
        with ProgressBar(total=4, desc="dit", mininterval=0, disable=None) as bar:
            bar.update(3)
            bar.write("loss 0.5")
        list(ProgressBar(range(2), disable=True))
    assert [(s["prefix"], s["n"], s["total"]) for s in states][:2] == [("dit", 0, 4), ("dit", 3, 4)]
    assert all(state["prefix"] == "dit" for state in states)
    assert capsys.readouterr() == ("", "")
    list(ProgressBar(range(1), "after"))
    assert len(states) < 5 and "after" in capsys.readouterr().err
