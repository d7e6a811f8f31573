"""The endpoints for programs, and every example of docs/api.md."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest
from conftest import PROFILES, ROOT, make_piece
from gradio_client import Client
from gradio_client.exceptions import AppError
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import StandInAMT, make_scorer, make_wishful, served
from test_known import tune
from test_musicxml import read

from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.music.midi import read_midi, write_midi

NAMES = ("Bach", "Irish reels", "Mozart")
MINE = base64.b64encode(write_midi(tune())).decode()
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
    labels = tuple(NAMES)
    with served(named_pipeline, named_corpus, lambda: amt, lambda: make_scorer(labels)) as address:
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


def documented() -> dict[str, list[str]]:
    """The arguments of every endpoint, in order."""
    rows = re.findall(r"^\| `/(\w+)` \| (.*?) \|", DOCUMENT, re.MULTILINE)
    found: dict[str, list[str]] = {}
    for name, takes in rows:
        same = re.fullmatch(r"as `/(\w+)`", takes)
        found[name] = found[same[1]] if same else [] if takes == "–" else takes.split(", ")
    return found


# What each argument is and what stands for it if it is left out, in words.
ARGUMENTS = {
    name: (what, default)
    for name, what, default in re.findall(
        r"^\| (\w+) \| (.*) \| (.*) \|$", DOCUMENT.split("| argument |")[1], re.MULTILINE
    )
}


def test_the_endpoints_are_the_documents(client):
    published = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    names = {
        name.strip("/"): [p["parameter_name"] for p in endpoint["parameters"]]
        for name, endpoint in published.items()
    }
    assert names == documented() and all(e["description"] for e in published.values())
    parameters = [p for endpoint in published.values() for p in endpoint["parameters"]]
    assert {p["parameter_name"] for p in parameters} == set(ARGUMENTS)
    for parameter in parameters:
        what, told = ARGUMENTS[parameter["parameter_name"]]
        assert parameter["parameter_has_default"] == (told != "is needed")
        if told != "is needed":
            assert parameter["parameter_default"] in default_meant(told)
        assert ("whole number" in what) == (parameter["type"].get("type") == "integer")


def default_meant(told: str) -> list:
    if told in ("any", "50 each"):
        return ["", 0] if told == "any" else [None]
    return [told] if told.isalpha() else [float(told)]


@pytest.mark.parametrize("name", [n for n, takes in documented().items() if takes])
def test_the_documents_defaults_are_what_happens_without_an_argument(address, name):
    needed = {"composers": ["Bach"], "words": "a fast waltz", "midi": MINE}
    needed = {n: value for n, value in needed.items() if n in documented()[name]}
    given = {n: default_meant(ARGUMENTS[n][1])[0] for n in documented()[name] if n not in needed}
    first, second = (last_event(address, name, needed | more) for more in ({}, given))
    assert first[0] == "complete" and without_files(first[1]) == without_files(second[1])


def without_files(answer):
    """An answer but for paths, which differ."""
    if isinstance(answer, dict):
        return {k: without_files(v) for k, v in answer.items() if k != "files"}
    return [without_files(item) for item in answer] if isinstance(answer, list) else answer


def post(address: str, path: str, body: bytes) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{address}gradio_api/{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def last_event(address: str, endpoint: str, arguments: dict | bytes) -> tuple[str, object]:
    """Its name and its data; ("refused", answer) of a call that is answered at once."""
    body = arguments if isinstance(arguments, bytes) else json.dumps(arguments).encode()
    code, answer = post(address, f"call/v2/{endpoint}", body)
    if code != 200:
        return "refused", answer
    url = f"{address}gradio_api/call/{endpoint}/{answer['event_id']}"
    with urllib.request.urlopen(url, timeout=60) as stream:
        *_, event, data = stream.read().decode().strip().splitlines()
    return event.removeprefix("event: "), json.loads(data.removeprefix("data: "))


LABELS_WANTED = "composers: expected a list of 1 to 4 labels, each once, got"
BACH, JSON_WANTED = b'{"composers": ["Bach"], ', "body: expected a JSON object such as {"
WRONG = [
    (b'{"composers": [["Bach"]]}', f"{LABELS_WANTED} [['Bach']]"),
    (b'{"composers": 7}', f"{LABELS_WANTED} 7"),
    (b'{"composers": {}}', f"{LABELS_WANTED} {{}}"),
    (b'{"composers": [1e400]}', f"{LABELS_WANTED} [inf]"),
    (b'{"composers": null}', "composers: expected 1 to 4 labels, each once, got nothing"),
    (b'{"composers": []}', "composers: expected 1 to 4 labels, each once, got []"),
    (b"{}", "composers: expected 1 to 4 labels, each once, got nothing"),
    (BACH + b'"weights": 50}', "weights: expected a list of numbers, one a composer, got 50"),
    (BACH + b'"weights": [NaN]}', "weights: expected a number from 0 to 100, got nan"),
    (BACH + b'"seed": 1e400}', "seed: expected a whole number from 0 to 2147483647, got inf"),
    (BACH + b'"seed": NaN}', "seed: expected a whole number from 0 to 2147483647, got nan"),
    (BACH + b'"seed": true}', "seed: expected a whole number from 0 to 2147483647, got True"),
    (BACH + b'"seed": 9007199254740993}', "seed: expected a whole number from 0 to 2147483647"),
    (BACH + b'"tempo": false}', "tempo: expected a number from 20 to 400, got False"),
    (BACH + b'"metre": [1e400, 4]}', "metre: expected a time signature such as 4/4"),
    (BACH + b'"key": {}}', "key: expected one like C major or B minor"),
    (BACH + b'"sed": 3}', "/amt: expected no arguments but composers, weights, "),
    (b'["Bach"]', JSON_WANTED),
    (b"{oops", JSON_WANTED),
    (b"NaN", JSON_WANTED),
    (b"", JSON_WANTED),
    (b"[" * 90_000, JSON_WANTED),
    (b'{"seed": ' + b"9" * 5000 + b"}", JSON_WANTED),
    (b"\xff", JSON_WANTED),
]


@pytest.mark.parametrize(("body", "sentence"), WRONG)
def test_each_mistake_is_one_sentence_that_names_the_argument(address, body, sentence):
    event, answer = last_event(address, "amt", body)
    assert event in ("error", "refused") and answer["error"].startswith(sentence)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(documented()["corpus"]) | st.text(max_size=5), JSON))
@settings(deadline=None, max_examples=60)
def test_whatever_is_asked_a_sentence_or_a_piece_comes(address, arguments):
    event, answer = last_event(address, "corpus", arguments)
    assert event == "complete" and answer[0]["notes"] or ": expected " in answer["error"]


def test_calls_in_gradios_own_ways_are_told_as_well(address):
    short = post(address, "call/corpus", b'{"data": [["Bach"]]}')
    assert short[0] == 400 and short[1]["error"].startswith(
        "data: expected a list of 4 values (composers, seed, tempo, instrument), got [["
    )
    for path in ("call/v2/generat", "call/generat", "run/generat", "call/v2/begin"):
        code, answer = post(address, path, b'{"data": []}')
        assert code == 404 and "endpoint: expected one of composers, gen" in answer["error"]
    code, answer = post(address, "run/corpus", b'{"data": [["Bach"], 1, 0, "piano"]}')
    assert code == 404 and "join the queue" in answer["detail"]
    path = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    event, answer = last_event(address, "corpus", {"composers": [path]})
    assert event == "error" and answer["error"]


def test_a_fault_of_the_servers_own_is_told(address, amt, monkeypatch, caplog):
    monkeypatch.setattr(amt, "stream", lambda **call: 1 / 0)
    event, answer = last_event(address, "amt", {"composers": ["Bach"], "seed": 77})
    assert event == "error" and answer["error"].startswith("That did not work (")
    assert "ZeroDivisionError" in caplog.text


def test_a_small_experiment_over_http(address):
    event, answer = last_event(address, "experiment", {"runs": 0})
    assert event == "error" and answer["error"].startswith("runs: expected a whole number from 1")
    event, answer = last_event(address, "experiment", {"seed": 2147483647})
    assert event == "complete" and answer[0]["status"] == "Done: 5 runs." and answer[0]["done"]
    assert len(answer[0]["table"].splitlines()) == 2 + 5 + 1


def test_a_line_of_words_becomes_settings_that_can_be_drawn(client):
    said = "a waltz in A minor, mostly Bach with a hint of Mozart, ABA, and East Asian bells"
    found = client.predict(said, api_name="/describe")
    assert found["settings"] == {
        **{"composers": ["Bach", "Mozart"], "weights": [75, 20]},
        **{"metre": "3/4", "key": "A minor"},
    }
    assert found["understood"][0] == {
        **{"setting": "metre", "value": "3/4"},
        **{"words": "waltz", "share": None},
    }
    assert found["unused"] == [
        # This model has learned no form.
        {"words": "ABA", "reason": "expected nothing, as this model cannot be asked for that"},
        {"words": "East Asian bells", "reason": "Prism has no such sound"},
    ]
    drawn = client.predict(**found["settings"], api_name="/generate")
    assert drawn["time_signature"] == [3, 4] and "key A minor" in drawn["detail"]


@pytest.mark.parametrize(
    ("source", "endpoint"), [("prism", "/generate"), ("corpus", "/corpus"), ("amt", "/amt")]
)
def test_every_lanes_piece_is_written_as_music(client, source, endpoint):
    asked = {"composers": ["Bach"], "seed": 3, "tempo": 90}
    heard = client.predict(**asked, api_name=endpoint)["notes"]
    written = client.predict(**asked, source=source, api_name="/notation")
    assert written["done"] and not written["message"] and heard
    text = pathlib.Path(written["files"]["musicxml"]).read_text(encoding="utf-8")
    assert read(text) == sorted(tuple(note[:3]) for note in heard)
    score = pathlib.Path(written["files"]["score"]).read_text(encoding="utf-8")
    assert score.startswith("<svg")


def test_without_the_engraver_there_is_musicxml_and_a_message(client, monkeypatch):
    monkeypatch.setitem(sys.modules, "verovio", None)
    written = client.predict(["Mozart"], seed=9, source="corpus", api_name="/notation")
    assert [*written["files"]] == ["musicxml"] and "pip install verovio" in written["message"]


def test_another_lane_than_the_three_is_told(address):
    _, answer = last_event(address, "notation", {"composers": ["Bach"], "source": "real"})
    assert answer["error"] == "source: expected one of prism, corpus, amt, got 'real'"


@pytest.mark.parametrize("body", [b"{}", b'{"words": 7}', b'{"words": "' + 301 * b"a" + b'"}'])
def test_what_is_no_line_of_words_is_told(address, body):
    _, answer = last_event(address, "describe", body)
    assert answer["error"].startswith("words: expected a text of up to 300 characters, got ")


def test_programs_keep_bars_of_lanes_and_files_and_choose_who_draws(client):
    def notes(name: str = "/generate", *given, bars: int = 16, **settings) -> set:
        piece = client.predict(*given, ["Bach"], num_inference_steps=2, api_name=name, **settings)
        assert piece["beats"] == settings.get("beats", 64)
        return {tuple(note) for note in piece["notes"] if note[1] < 4 * bars}

    amt, own = notes("/amt", bars=2), {tuple(n) for n in tune().notes() if n.end <= 16}
    assert amt and {n[:2] for n in notes(keep="amt:1-2:5", bars=2)} == {n[:2] for n in amt}
    assert notes(redraw="3-4:5", bars=2) == notes(redraw="3-4:6:amt", bars=2)
    assert notes(redraw="3-4:5") != notes(redraw="3-4:5:amt")
    longer = notes("/continued", MINE, beats=80)
    assert {n[:2] for n in own} <= {n[:2] for n in longer}
    assert longer != notes("/continued", MINE, keep="yours:1-4:3", beats=80)


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
    with pytest.raises(AppError, match="key: expected one like C major or B minor, got 'H minor'"):
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
