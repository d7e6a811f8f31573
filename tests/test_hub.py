"""Weights by a name on the Hub, fetched from a stand-in that speaks as much HTTP as it takes."""

from __future__ import annotations

import hashlib
import http.server
import json
import pathlib
import shutil
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from conftest import make_pipeline, started
from test_bundle import LABELS, make_bundle

from prism.models.hub import WeightsError, find_weights
from prism.models.pipeline import PrismPipeline
from prism.service.bundle import open_bundle
from prism.service.service import load_service

COMMITS = {"main": "a" * 40, "v1": "b" * 40}


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves ``folder`` as the repository ``ada/tiny`` under both revisions."""

    folder: pathlib.Path
    asked: list[str]
    address: str

    def do_GET(self) -> None:
        """The repository's facts, or a file."""
        path = urllib.parse.urlsplit(self.path).path
        self.asked.append(path)
        *_, revision = path.split("/")
        if path.startswith("/api/models/ada/tiny/revision/") and revision in COMMITS:
            self._tell({"id": "ada/tiny", "sha": COMMITS[revision], "siblings": []})
        elif path.startswith("/api/models/ada/tiny/tree/"):
            self._tell(
                [
                    {"type": "file", "path": name, "size": size, "oid": "0"}
                    for name, size in self._files()
                ]
            )
        elif path.startswith("/ada/tiny/resolve/"):
            *_, commit, name = path.split("/", 5)
            self._answer((self.folder / name).read_bytes(), commit)
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def _files(self) -> list[tuple[str, int]]:
        return [
            (p.relative_to(self.folder).as_posix(), p.stat().st_size)
            for p in self.folder.rglob("*.*")
        ]

    def _tell(self, facts: dict | list) -> None:
        self._answer(json.dumps(facts).encode())

    def _answer(self, body: bytes, commit: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", commit)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Say nothing."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The running stand-in, in place of the Hub."""
    folder = tmp_path / "repository"
    make_pipeline().save_pretrained(folder)
    (folder / "notes.txt").write_text("not needed")
    handler = type("TinyHub", (Hub,), {"folder": folder, "asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    settings = {
        "ENDPOINT": address,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
    }
    for name, value in settings.items():  # as HF_ENDPOINT and HF_HOME would set them
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    handler.address = address
    yield handler
    server.shutdown()
    server.server_close()


def test_a_pipeline_loads_by_its_name_on_the_hub(hub):
    fetched = PrismPipeline.from_pretrained("ada/tiny")
    assert (
        fetched("Ada", seed=3).rolls
        == PrismPipeline.from_pretrained(hub.folder)("Ada", seed=3).rolls
    )
    assert not any("notes.txt" in path for path in hub.asked)


def test_a_revision_is_fetched_and_found_again_without_the_hub(hub, monkeypatch):
    folder = find_weights("ada/tiny@v1")
    assert folder.name == COMMITS["v1"] and (folder / "prism.json").is_file()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert find_weights("ada/tiny@v1") == folder
    with pytest.raises(WeightsError, match="ada/other: no such folder, and not from the Hub"):
        find_weights("ada/other")


def test_what_the_hub_does_not_have_is_said(hub):
    with pytest.raises(WeightsError, match="ada/none: no such folder.*404.*check the name"):
        find_weights("ada/none")


def test_a_folder_goes_before_a_repository_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for name in ("ada/tiny", "ada/tiny@feature/x"):
        with pytest.raises(WeightsError, match=f"{name}: no such folder, and not from the Hub"):
            find_weights(name)
    (tmp_path / "ada" / "tiny").mkdir(parents=True)
    assert find_weights("ada/tiny") == pathlib.Path("ada/tiny")
    for name in ("weights", "/srv/prism/weights", "./weights", "../weights/mini", "a/b/c"):
        assert find_weights(name) == pathlib.Path(name)


@pytest.fixture
def published(hub):
    """A bundle as `prism push` leaves it there, beside what nobody should fetch."""
    shutil.rmtree(hub.folder)
    make_bundle(hub.folder)
    (hub.folder / "code.py").write_text("raise SystemExit")
    return hub


def test_a_bundle_is_fetched_by_its_name_without_code(published):
    bundle = open_bundle("ada/tiny@v1")
    assert bundle.folder.name == COMMITS["v1"] and bundle.manifest.name == "My music"
    assert bundle.id == open_bundle(published.folder).id
    service = load_service(bundle)
    for part in (service.pipeline, service.corpus, service.amt, service.scorer):
        part.get()
    assert service.composers == list(LABELS)
    assert not any("code.py" in path for path in published.asked)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_the_page_of_a_published_bundle_is_served(published, tmp_path, way):
    named = {"PRISM_BUNDLE": "ada/tiny"} if way == "variable" else {}
    arguments = [] if named else ["ada/tiny@v1"]
    settings = {"HF_ENDPOINT": published.address, "HF_HOME": str(tmp_path / "home")}
    with started(*arguments, **named, **settings) as home:
        with urllib.request.urlopen(home) as page:
            assert "Prism · My music" in page.read().decode()
        health = {"status": "loading"}
        while health["status"] == "loading":
            time.sleep(0.2)
            health = json.loads(answer(f"{home}healthz"))
        assert health["status"] == "ready", health
    assert any(COMMITS["main" if named else "v1"] in path for path in published.asked)


def answer(address: str) -> bytes:
    """What a server says, whatever its status."""
    try:
        with urllib.request.urlopen(address) as found:
            return found.read()
    except urllib.error.HTTPError as error:
        return error.read()
