"""Publishing, against a stand-in for the Hub on this machine."""

import base64
import http.server
import json
import threading

import pytest

from prism.cli import train
from prism.training.push import card

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


def test_an_unfinished_folder_is_not_published(tmp_path, capsys):
    with pytest.raises(SystemExit):
        train.main(["push", "--repo", "ada/x", "--weights", str(tmp_path)])
    complaint = capsys.readouterr().err
    assert "has no prism.json and no training.json" in complaint and "train one" in complaint
