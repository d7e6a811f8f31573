"""Publishing, against a stand-in for the Hub on this machine."""

import base64
import http.server
import json
import socket
import threading

import pytest
from test_bundle import make_bundle
from test_writing import fill_disk

from prism.cli import push as push_command
from prism.cli import train
from prism.training.push import card, push

RECORD = {
    "model": "PrismDiT tiny on BeatAutoencoder latents",
    "parameters": {"dit": 1234},
    "steps": {"autoencoder": 20, "dit": 1200},
    "hours": {"autoencoder": 0.1, "dit": 0.25},
    "hardware": "a small computer",
    "started": "2026-01-01T00:00:00+00:00",
    "ended": "2026-01-01T01:00:00+00:00",
    "labels": ["Ada", "Bob"],
    "history": {"autoencoder": [], "dit": [{"step": 1200, "validation_loss": 0.51239}]},
}


class Hub(http.server.BaseHTTPRequestHandler):
    """Takes a repository and one commit, and keeps them."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept = self.server.kept
        if self.path == "/api/repos/create":
            kept["created"] = json.loads(body)
            self._answer({"url": f"{kept['address']}/ada/prism-tiny", "name": "ada/prism-tiny"})
        elif self.path.endswith("/preupload/main"):
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif self.path.endswith("/commit/main"):
            kept["commit"] = [json.loads(line) for line in body.splitlines()]
            kept["token"] = self.headers["Authorization"]
            self._answer(
                {"commitUrl": f"{kept['address']}/ada/prism-tiny/commit/0", "commitOid": "0" * 40}
            )
        else:
            self._answer({})

    def do_GET(self):
        self._answer({"id": "ada/prism-tiny", "sha": "0" * 40, "siblings": []})

    def _answer(self, content: dict):
        text = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch):
    """What the stand-in was given; `huggingface_hub` asks it instead of the Hub."""
    from huggingface_hub import constants, hf_api

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    address = f"http://127.0.0.1:{server.server_port}"
    server.kept = {"address": address}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(hf_api.constants, "ENDPOINT", address)
    monkeypatch.setenv("HF_TOKEN", "hf_of_the_test")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield server.kept
    server.shutdown()
    server.server_close()


@pytest.fixture
def weights(tmp_path):
    folder = tmp_path / "weights"
    (folder / "dit").mkdir(parents=True)
    (folder / "dit" / "config.json").write_text("{}")
    (folder / "dit" / "half.partial").write_text("")
    (folder / "prism.json").write_text('{"labels": {}}')
    (folder / "training.json").write_text(json.dumps(RECORD))
    return folder


def test_weights_card_and_record_are_published(hub, weights, capsys):
    train.main(["push", "--repo", "ada/prism-tiny", "--weights", str(weights), "--private"])
    assert hub["created"]["name"] == "prism-tiny" and "private" in json.dumps(hub["created"])
    assert hub["token"] == "Bearer hf_of_the_test"
    header, *files = hub["commit"]
    assert "1,220 steps" in header["value"]["summary"]
    sent = {f["value"]["path"]: base64.b64decode(f["value"]["content"]) for f in files}
    assert set(sent) == {"README.md", "training.json", "prism.json", "dit/config.json"}
    assert json.loads(sent["training.json"]) == RECORD
    assert b"# PrismDiT tiny" in sent["README.md"]
    assert capsys.readouterr().out.strip().endswith("/ada/prism-tiny")


def test_a_card_that_is_there_is_kept(hub, weights):
    (weights / "README.md").write_text("my own")
    train.main(["push", "--repo", "ada/prism-tiny", "--weights", str(weights)])
    assert (weights / "README.md").read_text() == "my own"


def test_the_card_says_what_the_record_does():
    text = card(RECORD)
    assert text.startswith("---\nlicense: mit\n") and "Ada, Bob" in text
    assert "0.35 hours on\na small computer" in text and "dit: validation loss 0.5124" in text


def complaint(capsys, *arguments) -> str:
    """The one line that a push ends with."""
    with pytest.raises(SystemExit) as left:
        train.main(["push", "--repo", "ada/x", *map(str, arguments)])
    told = capsys.readouterr().err
    assert left.value.code == 1 and told.count("\n") == 1
    return told


def test_without_a_network_one_sentence_says_so(weights, monkeypatch, capsys):
    from huggingface_hub import constants

    with socket.socket() as closed:  # bound, but nobody listens
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        told = complaint(capsys, "--weights", weights)
    assert told.startswith("--repo: ada/x could not be published (")
    assert told.endswith("); check the name, the network and HF_TOKEN, and push again\n")


def test_offline_and_a_name_that_is_none(weights, monkeypatch, capsys):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "could not be published" in complaint(capsys, "--weights", weights)
    with pytest.raises(ValueError, match="--repo: a b/c d could not be published"):
        push(weights, "a b/c d")


@pytest.mark.parametrize("record", ["", "[]", "{}", '{"model": 1'])
def test_a_damaged_record_is_named(weights, capsys, record):
    (weights / "training.json").write_text(record)
    told = complaint(capsys, "--weights", weights)
    assert f"--weights: {weights / 'training.json'} is damaged" in told


def test_a_card_that_finds_no_room_is_told(weights, capsys):
    fill_disk(weights / "README.md")
    assert "README.md cannot be written (No space left" in complaint(capsys, "--weights", weights)


def test_an_unfinished_folder_is_not_published(tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(["push", "--repo", "ada/x", "--weights", str(tmp_path)])
    complaint = capsys.readouterr().err
    assert "has no prism.json and no training.json" in complaint and "train one" in complaint


def pushed(hub, folder, *options: str) -> set[str]:
    """The paths that a bundle's push sends."""
    push_command.main([str(folder), "--repo", "ada/mine", *options])
    return {line["value"]["path"] for line in hub["commit"] if line["key"] == "file"}


def test_a_bundle_is_published_whole_but_for_the_work_of_the_build(hub, tmp_path, capsys):
    folder = make_bundle(tmp_path / "mine")
    record = folder / "weights" / "training.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"labels": ["Ada"]}))
    (folder / "run").mkdir()
    (folder / "run" / "build.json").write_text("{}")
    (folder / "examples.json").write_text("{}")
    sent = pushed(hub, folder, "--with-corpus")
    assert {"bundle.json", "README.md", "corpus/corpus.npz", "examples.json"} <= sent
    assert {"weights/prism.json", "weights/similarity/bands.json"} <= sent
    assert not [path for path in sent if path.startswith("run/")]
    kept_back = sent - pushed(hub, folder, "--without-corpus")
    assert kept_back == {"corpus/corpus.npz", "corpus/provenance.csv", "examples.json"}


def test_notes_of_unknown_terms_are_not_published_unasked(tmp_path, capsys):
    folder = make_bundle(tmp_path / "mine")
    with pytest.raises(SystemExit):
        push_command.main([str(folder), "--repo", "ada/mine"])
    assert "their terms are: made for the tests. Say --with-corpus" in capsys.readouterr().err
