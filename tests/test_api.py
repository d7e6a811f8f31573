"""The endpoints for programs, and every example of docs/api.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time

import pytest
from conftest import PROFILES, ROOT, make_piece
from gradio_client import Client
from gradio_client.exceptions import AppError
from stand_ins import StandInAMT, make_wishful, served

from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.music.midi import read_midi

NAMES = ("Bach", "Irish reels", "Mozart")
DOCUMENT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def examples(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document, flags=re.DOTALL)


def named_pipeline() -> PrismPipeline:
    """The tiny model that knows all attributes, with labels that the documents name."""
    tiny = make_wishful()
    profiles = dict(zip(NAMES, PROFILES.values(), strict=True))
    return PrismPipeline(tiny.autoencoder, tiny.dit, profiles, tiny.collections)


def named_corpus() -> Corpus:
    sides = ("train", "validation", "test")
    pieces = [make_piece(f"{n}-{s}", n, seed=i) for i, n in enumerate(NAMES) for s in sides]
    return Corpus(tuple(pieces), sides * len(NAMES), NAMES)


@pytest.fixture(scope="module")
def amt():
    return StandInAMT(notes=12)


@pytest.fixture(scope="module")
def address(amt):
    with served(named_pipeline, named_corpus, lambda: amt) as address:
        yield address


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    return Client(address, verbose=False, download_files=tmp_path_factory.mktemp("files"))


def test_the_clients_example_runs_as_documented(address, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, streaming = (code for code in examples(DOCUMENT, "python") if "client." in code)
    code = f"{first}\n{streaming}".replace("http://127.0.0.1:7860/", address).replace(
        "http://127.0.0.1:7860", address
    )
    found: dict = {}
    exec(compile(code, "docs/api.md", "exec"), found)
    assert len(code.strip().splitlines()) < 20
    assert found["real"]["title"].startswith("Bach") and found["job"].cancelled
    told = capsys.readouterr().out
    assert "['Bach', 'Irish reels', 'Mozart']" in told and "guidance 2" in told


@pytest.mark.slow
def test_the_python_examples_run_from_the_repository(tmp_path):
    texts = [(ROOT / d).read_text(encoding="utf-8") for d in ("README.md", "docs/api.md")]
    codes = [
        next(e for e in examples(text, "python") if "PrismPipeline.from_pretrained" in e)
        for text in texts
    ]
    (tmp_path / "weights").symlink_to(ROOT / "weights")
    subprocess.run(
        [sys.executable, "-c", "\n".join(codes)],
        cwd=tmp_path,
        check=True,
        timeout=120,
    )
    written = sorted(path.name for path in tmp_path.glob("*.mid"))
    assert written == ["prism-7.mid", "prism-8.mid", "prism.mid"]
    for name in written:
        assert read_midi(tmp_path / name).window().notes()
    assert all(len(code.strip().splitlines()) <= 10 for code in codes)


def test_curl_gets_what_the_client_gets(address, client):
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    commands = next(code for code in examples(DOCUMENT, "sh") if "curl" in code)
    ask, listen = commands.replace("http://127.0.0.1:7860/", address).split("\ncurl")
    event = re.search(r'"event_id": ?"(\w+)"', shell(ask))[1]
    last = shell(f"curl{listen}".replace("EVENT_ID", event)).split("event: complete")[1]
    notes = client.predict(["Bach"], seed=7, api_name="/generate")["notes"]
    assert f'"notes":{notes}'.replace(" ", "") in last.replace(" ", "")


def shell(command: str) -> str:
    return subprocess.run(
        command, shell=True, check=True, text=True, timeout=60, stdout=subprocess.PIPE
    ).stdout


def test_every_endpoint_and_argument_is_documented(client):
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    for name, endpoint in endpoints.items():
        assert f"| `{name}` |" in DOCUMENT
        if name != "/experiment":
            assert endpoint["description"]
            for parameter in endpoint["parameters"]:
                assert f"\n| {parameter['parameter_name']} |" in DOCUMENT


def test_compare_gives_what_the_single_endpoints_give(client):
    asked = {"composers": ["Bach", "Mozart"], "weights": [75, 25], "seed": 3, "tempo": 90}
    whole = client.predict(**asked, amt_start="melody", api_name="/compare")
    drawn = client.predict(**asked, api_name="/generate")
    expected = named_pipeline()(["Bach", "Mozart"], [0.75, 0.25], seed=3, tempo=90).rolls[0]
    assert [tuple(note) for note in drawn["notes"]] == expected.notes()
    assert drawn["time_signature"] == list(expected.time_signature)
    real = client.predict(["Bach", "Mozart"], seed=3, tempo=90, api_name="/corpus")
    assert whole["prism"]["notes"] == drawn["notes"] and whole["corpus"]["notes"] == real["notes"]
    assert whole["done"] and set(whole["amt"]["files"]) >= {"midi", "wav"}
    scores = client.predict(**asked, amt_start="melody", api_name="/score")
    assert whole["scores"] == {side: scores[side] for side in ("prism", "amt")}
    assert [s["network"] for s in scores["prism"]] == ["imagenet", "corpus"]


def test_what_is_asked_for_is_drawn(client):
    asked = {"key": "A minor", "density": "sparse", "register": "low", "character": "soft"}
    drawn = client.predict(["Bach"], seed=3, metre="9/8", **asked, api_name="/generate")
    expected = named_pipeline()("Bach", seed=3, time_signature=(9, 8), **asked).rolls[0]
    assert [tuple(note) for note in drawn["notes"]] == expected.notes()
    assert drawn["time_signature"] == [9, 8] and "key A minor" in drawn["detail"]
    whole = client.predict(
        ["Bach"], seed=3, metre="9/8", **asked, amt_start="melody", api_name="/compare"
    )
    assert whole["prism"]["notes"] == drawn["notes"]
    written = client.predict(
        ["Bach"], seed=3, metre="9/8", **asked, amt_start="melody", api_name="/amt"
    )
    assert whole["amt"]["notes"] == written["notes"]


def test_a_mistake_is_told_in_a_sentence(client):
    with pytest.raises(AppError, match="key: expected one of C major.*got 'H minor'"):
        client.predict(["Bach"], key="H minor", api_name="/score")
    with pytest.raises(AppError, match="weights: expected 2, one a composer"):
        client.predict(["Bach", "Mozart"], weights=[1, 2, 3], api_name="/compare")
    with pytest.raises(AppError, match="composers: expected some of Bach.*got 'Zoe'"):
        client.predict(["Zoe"], api_name="/score")
    assert client.predict("Bach", seed=1, api_name="/generate")["done"]


def test_a_cancelled_request_frees_its_place(client, amt):
    amt.notes, amt.seconds_per_note, amt.written = 10_000, 0.02, 0
    job = client.submit(["Mozart"], seed=1, api_name="/amt")
    while amt.written < 3:
        time.sleep(0.05)
    job.cancel()
    amt.notes, amt.seconds_per_note = 12, 0.0
    assert len(client.predict(["Mozart"], seed=2, api_name="/amt")["notes"]) == 12
    assert amt.written < 1000
