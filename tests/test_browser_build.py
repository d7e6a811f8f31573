"""From a folder of two made-up artists to their page, killed and resumed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import LANES, ROOT, choose_tab, make_piece, started

from prism.music.midi import write_midi
from prism.service.bundle import DOCUMENTS, open_bundle

ARTISTS = ("Ada", "Björk & Søn")
SONGS = 4
BUILD_SECONDS = 400


def write_songs(folder) -> None:
    for place, artist in enumerate(ARTISTS):
        (folder / artist).mkdir(parents=True)
        for number in range(SONGS):
            piece = make_piece("song", seed=number + 100 * place)
            write_midi(piece.window(0), folder / artist / f"Song {number}.mid")


def build(source, output) -> subprocess.Popen:
    command = [sys.executable, "-m", "prism", "build", source, "--output", output]
    options = ["--preset", "smoke", "--minimum-pieces", "3", "--name", "Two of us"]
    return subprocess.Popen(
        [*map(str, command), *options],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def killed(source, output, arrived) -> None:
    """Build until something is so, and no further."""
    process = build(source, output)
    while not arrived():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def done(output) -> list[str]:
    """The stages that are done."""
    file = output / "run" / "build.json"
    return list(json.loads(file.read_text())["done"]) if file.is_file() else []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The bundle, and what the build said at its end and on the way after it was killed.

    That is in the middle of training, then as soon as each of the later stages is begun, and at the
    very end, before it has told of it. Then some of its parts were deleted.
    """
    folder = tmp_path_factory.mktemp("build")
    write_songs(folder / "music")
    output = folder / "mine"
    killed(folder / "music", output, (output / "run" / "prism" / "autoencoder.pt").is_file)
    assert done(output) == ["prepare", "study"]
    for stage in ("amt", "similarity", "bands", "examples", "experiment"):
        killed(folder / "music", output, lambda stage=stage: stage in done(output))
        assert done(output)[-1] == stage
    for part in ("study.json", "examples.json"):
        (output / part).unlink()
    again = build(folder / "music", output)
    said, progress = again.communicate(timeout=BUILD_SECONDS)
    assert again.returncode == 0, progress
    return output, said, progress


@pytest.mark.slow
def test_a_killed_build_goes_on_and_ends_with_one_screen(made):
    output, said, progress = made
    lines = said.splitlines()
    assert lines[0] == f"{output}: 8 pieces of 2 artists"
    assert "  Ada: 4 (train, validation, test: [2, 1, 1])" in lines
    assert any(line.startswith("Prism's weights: validation loss") for line in lines)
    assert any("are recognised as their artist's (by chance 50%)" in line for line in lines)
    assert lines[-1].endswith(f"See it: prism app {output}")
    made_anew = [line.split("] ")[1] for line in progress.splitlines() if ": done in" in line]
    assert [line.split(":")[0] for line in made_anew] == ["studying the music", "making examples"]
    bundle = open_bundle(output)
    assert len(bundle.manifest.parts) == 7 and bundle.manifest.name == "Two of us"
    assert all(bundle.document(name) for name in DOCUMENTS)
    assert set(json.loads((output / "run" / "build.json").read_text())["done"]) > {"experiment"}


@pytest.fixture(scope="module")
def mine(made):
    """The address of its page."""
    with started(str(made[0])) as address:
        yield address


@pytest.mark.slow
def test_the_page_shows_the_artists_their_music_scores_and_corpus(made, mine, visit):
    page = visit(mine)
    assert page.title() == "Prism · Two of us"
    assert page.locator(".prism-named p").inner_text() == "Two of us"
    examples = page.locator(".prism-example:visible").all_inner_texts()
    assert examples == [*ARTISTS, " meets ".join(ARTISTS), f"AMT accompanies {ARTISTS[1]}"]
    assert "Ada" in page.locator(".prism-controls .token").inner_text()
    page.get_by_role("button", name="Generate").click()
    # After so few steps neither model draws much, perhaps nothing.
    page.wait_for_function("document.querySelector('.prism-status').textContent[0] === 'D'")
    page.wait_for_function(f"{LANES}[1].dataset.state === 'ready'")
    lanes = page.locator(".prism-together .prism-player")
    assert lanes.count() == 3
    real = lanes.nth(1).inner_text()
    assert "Song" in real and "Ada" in real
    # Two scores of each generated piece, and what the real one is.
    chips = f"{LANES}.flatMap(lane => [...lane.querySelectorAll('.chip')])"
    page.wait_for_function(f"{chips}.length == 5")
    assert f"bundle={open_bundle(made[0]).id}" in page.url
    choose_tab(page, "Corpus")
    page.wait_for_function("document.querySelector('.prism-corpus')?.dataset.pieces == 8")
    rows = page.locator(".prism-corpus .pieces > li").all_inner_texts()
    songs = sorted(f"Song {number}" for number in range(SONGS) for _ in ARTISTS)
    assert sorted(row.splitlines()[0] for row in rows) == songs
    assert sum(ARTISTS[1] in row for row in rows) == SONGS
