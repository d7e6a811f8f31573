"""What a host relies on: readiness, the line, the log, Spaces' settings, the container's recipe."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import logging
import pathlib
import pickle
import platform
import re
import subprocess
import sys
import threading
import time
import types
import urllib.error
import urllib.parse
import urllib.request

import httpx
import pytest
import uvicorn
import yaml
from conftest import ROOT, make_pipeline, started
from gradio_client import Client
from gradio_client.exceptions import AppError
from packaging.requirements import Requirement
from stand_ins import StandInAMT, choice_of, make_index, make_scorer, served, tiny_corpus
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from prism.corpora.files import CorpusError
from prism.models.setting_types import SettingError
from prism.service.hosting import Health
from prism.service.loading import Loader, load_pipeline
from prism.service.log import (
    REQUESTS,
    REQUESTS_PER_VISITOR,
    RefusedError,
    Requests,
    configure_logging,
    fault_words,
    log_fault,
)
from prism.service.scheduler import Scheduler
from prism.service.service import Service
from prism.service.sources import PrismSource
from prism.ui.page import build_ui, launch_options


def asked(address: str) -> tuple[int, dict]:
    """Status and JSON."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="module")
def loaders():
    parts = {
        "pipeline": make_pipeline,
        "corpus": tiny_corpus,
        "amt": StandInAMT,
        "scorer": make_scorer,
        "index": make_index,
    }
    return {name: Loader(load) for name, load in parts.items()}


@pytest.fixture(scope="module")
def page(loaders):
    page = build_ui(Service(**loaders))
    health = Health({"model": loaders["pipeline"]}, {"baseline": loaders["amt"]})
    page.launch(prevent_thread_lock=True, quiet=True, server_port=None, **launch_options(health))
    yield page
    page.close()


def test_a_host_sees_how_far_loading_has_got(page, loaders):
    assert asked(page.local_url + "livez") == (200, {"status": "alive"})
    loading = {"status": "loading", "parts": {"model": "loading", "baseline": "loading"}}
    assert asked(page.local_url + "healthz") == (503, loading)
    loaders["pipeline"].get()
    ready = {"status": "ready", "parts": {"model": "ready", "baseline": "loading"}}
    assert asked(page.local_url + "healthz") == (200, ready)


@contextlib.contextmanager
def proxied(upstream: str, takes_off: bool):
    """A proxy that serves an app under /prism, and nothing else, as docs/hosting.md asks for."""
    client = httpx.AsyncClient(base_url=upstream, timeout=60)

    async def forward(request):
        url, path = request.url, request.url.path
        if takes_off and path == "/prism":
            return RedirectResponse(url.replace(path="/prism/"), 301)
        if not path.startswith("/prism"):
            return Response("another site", 404)
        headers = {"content-type": request.headers.get("content-type", "")}
        asked = client.build_request(
            request.method,
            path.removeprefix("/prism") if takes_off else path,
            params=request.query_params,
            content=await request.body(),
            headers=headers | {"host": url.netloc, "accept-encoding": "identity"},
        )
        answer = await client.send(asked, stream=True)
        kept = {n: answer.headers[n] for n in ("content-type", "location") if n in answer.headers}
        return StreamingResponse(answer.aiter_bytes(), answer.status_code, kept)

    app = Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = server.force_exit = True
    thread.join(timeout=10)


@pytest.mark.parametrize("takes_off", [True, False])
def test_under_a_path_the_page_is_there_with_and_without_a_slash(takes_off, monkeypatch):
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/prism")
    with served() as upstream, proxied(upstream, takes_off) as home:
        for address in ("/prism", "/prism/", "/prism?composers=Ada,Bob&seed=3"):
            page = httpx.get(home + address, follow_redirects=True)
            assert page.status_code == 200 and page.url.path == "/prism/"
            assert urllib.parse.unquote(page.url.query.decode()) == address.partition("?")[2]
            assert f'"root":"{home}/prism"' in page.text
            (picture,) = re.findall('property="og:image" content="(.*?)"', page.text)
            assert picture == f"{home}/prism/preview.png"
            assert httpx.get(picture).status_code == 200
            (base,) = re.findall('<base href="(.*?)"', page.text)
            files = re.findall(r'(?:src|href)="(\./assets/.*?)"', page.text)
            for file in files:
                asset = urllib.parse.urljoin(urllib.parse.urljoin(str(page.url), base), file)
                assert httpx.get(asset).status_code == 200
            assert len(files) >= 2
        piece = Client(f"{home}/prism/", verbose=False).predict(["Ada"], api_name="/corpus")
        assert piece["title"] == "Ada-test" and pathlib.Path(piece["files"]["midi"]).is_file()


def test_a_page_that_answers_itself_late_is_served_all_the_same(monkeypatch):
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)
    with served() as address:
        assert httpx.get(address, timeout=60).status_code == 200


def test_health_tells_what_failed_until_it_is_repaired(tmp_path):
    model = Loader(lambda: load_pipeline(tmp_path))
    health = Health({"corpus": Loader(tiny_corpus), "model": model})
    with pytest.raises(ValueError, match="no Prism weights"):
        model.get()
    assert health.report()["status"] == "failed"
    assert health.report()["parts"]["model"].startswith("failed: no Prism weights at")
    make_pipeline().save_pretrained(tmp_path)
    model.get()
    assert health.report() == {
        "status": "loading",
        "parts": {"corpus": "loading", "model": "ready"},
    }


@pytest.mark.slow
def test_the_app_tells_why_weights_cannot_be_had():
    with started(PRISM_WEIGHTS="nobody/nothing", HF_HUB_OFFLINE="1") as address:
        report = {"status": "loading"}
        while report["status"] == "loading":
            time.sleep(0.2)
            code, report = asked(address + "healthz")
        assert code == 503 and report["status"] == "failed"
        assert "nobody/nothing: no such folder, and not from the Hub" in report["parts"]["model"]


def test_too_many_requests_are_refused_in_words_and_logged(caplog):
    requests, held = Requests(), contextlib.ExitStack()
    with caplog.at_level(logging.INFO, "prism"):
        for _ in range(REQUESTS_PER_VISITOR):
            held.enter_context(requests.answering("amt", "a"))
        with pytest.raises(RefusedError, match="24 of your requests are waiting: wait until one"):
            held.enter_context(requests.answering("amt", "a"))
        for number in range(REQUESTS - REQUESTS_PER_VISITOR):
            held.enter_context(requests.answering("amt", str(number)))
        with pytest.raises(RefusedError, match="200 requests are waiting, as many as may: try"):
            held.enter_context(requests.answering("amt", "b"))
        refused = [line for line in caplog.messages if "outcome=refused" in line]
        held.close()
        with requests.answering("amt", "a"):
            pass
    assert len(refused) == 2 and refused[0].startswith("request endpoint=amt outcome=refused")
    assert caplog.messages[-1].endswith("waiting=0")


def test_a_visitor_is_a_session(page, monkeypatch):
    """Fails where Gradio no longer tells a handler whose request it answers."""
    seen, answering = [], Requests.answering
    monkeypatch.setattr(
        Requests, "answering", lambda self, *call: seen.append(call) or answering(self, *call)
    )
    client = Client(page.local_url, verbose=False, download_files=False)
    client.predict(["Bob"], api_name="/corpus")
    assert seen == [("corpus", client.session_hash)]


def test_the_log_has_a_line_a_request_and_nothing_of_the_visitor(page, loaders, caplog):
    amt = loaders["amt"].get()
    client = Client(page.local_url, verbose=False, download_files=False)
    with caplog.at_level(logging.INFO, "prism"):
        for _ in range(2):
            client.predict(["Bob"], seed=98765, api_name="/generate")
        with pytest.raises(AppError):
            client.predict(["Nobody Known"], api_name="/corpus")
        amt.notes, amt.seconds_per_note = 10_000, 0.02
        job = client.submit(["Bob"], seed=98765, api_name="/amt")
        while not amt.written:
            time.sleep(0.05)
        job.cancel()
        deadline = time.monotonic() + 10
        while len(caplog.messages) < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
    number = r"\d+\.\d{3}"
    for line, facts in zip(
        caplog.messages,
        (
            ("generate", "done", 1, 0),
            ("generate", "done", 1, 1),
            ("corpus", "failed", 0, 0),
            ("amt", "cancelled", 1, 0),
        ),
        strict=True,
    ):
        pattern = (
            "request endpoint={} outcome={} waited=NUMBER worked=NUMBER pieces={} cached={} "
            "waiting=0"
        ).format(*facts)
        assert re.fullmatch(pattern.replace("NUMBER", number), line), line
    for secret in ("Bob", "98765", "Nobody", "127.0.0.1", client.session_hash):
        assert secret not in caplog.text


FAULTS = [
    (
        OSError(errno.ENOSPC, "No space left on device", "/tmp/prism-x/yours-Secret-bar-1.mid"),
        "OSError: No space left on device in /tmp/prism-x",
        "No space left on device: yours-Secret-bar-1.mid",
    ),
    (OSError("no Secret"), "OSError", "no Secret"),
    (SettingError("seed", "a number", "Secret"), "SettingError", None),
    (CorpusError("no corpus at x"), "no corpus at x", "no corpus at x"),
    (KeyError("Secret"), "KeyError", "'Secret'"),
    (RuntimeError(), "RuntimeError", "RuntimeError"),
]


@pytest.mark.parametrize(("error", "logged", "told"), FAULTS)
def test_a_fault_is_logged_without_what_a_visitor_wrote(caplog, error, logged, told):
    def fail():
        raise error

    try:
        fail()
    except Exception as caught:
        log_fault(logging.getLogger("prism.test"), "corpus", caught)
    (line,) = caplog.messages
    assert line.splitlines()[0] == f"corpus: {logged}" and "Secret" not in caplog.text
    # What nobody foresaw comes with its place.
    assert ("in fail" in line) == isinstance(error, (KeyError, RuntimeError))
    assert fault_words(error) == (told or str(error))


def test_what_nobody_foresaw_is_told_and_logged_without_words(page, monkeypatch, caplog, capfd):
    words = "the piece called Secret"

    def fail(*_, **__):
        raise RuntimeError(words)

    monkeypatch.setattr(Service, "fill", fail)
    client = Client(page.local_url, verbose=False, download_files=False)
    expected = r"That did not work \(the piece called Secret\): try again, or reload"
    with pytest.raises(AppError, match=expected):
        client.predict(["Bob"], api_name="/corpus")
    assert "corpus: RuntimeError" in caplog.text
    assert "Secret" not in caplog.text + "".join(capfd.readouterr())


def test_a_wrong_log_level_is_explained(monkeypatch):
    monkeypatch.setenv("PRISM_LOG", "loud")
    with pytest.raises(ValueError, match="PRISM_LOG: expected one of DEBUG, INFO.*got LOUD"):
        configure_logging()


def test_on_zerogpu_the_sampler_alone_runs_on_the_lent_gpu(monkeypatch):
    lent = []

    def gpu(duration: int):
        def mark(function):
            def run(*arguments):
                # What crosses the border between the two processes there.
                for item in function(*pickle.loads(pickle.dumps(arguments))):
                    yield pickle.loads(pickle.dumps(item))

            lent.append(duration)
            return run

        return mark

    class Nobody(Scheduler):
        def iterate(self, *_, **__):
            raise AssertionError("no thread of this process is there in the forked one")

    choice = choice_of(["Ada", "Bob"], [70, 30], seed=5)
    *_, usual = PrismSource(Loader(make_pipeline), Scheduler()).stages(choice)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    *_, on_gpu = PrismSource(Loader(make_pipeline), Nobody()).stages(choice)
    assert lent == [20, 20], "a piece, and takes"
    assert on_gpu.text == usual.text == "Drawing: step 16 of 16"
    assert on_gpu.piece.roll == usual.piece.roll


def test_without_the_module_nothing_changes(monkeypatch):
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setitem(sys.modules, "spaces", None)
    source = PrismSource(Loader(make_pipeline), Scheduler())
    assert source.piece(choice_of(num_inference_steps=4)).roll.notes()


def test_spaces_front_matter_agrees_with_what_is_installed():
    _, matter, _ = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    facts = yaml.safe_load(matter)
    lines = (ROOT / "requirements.txt").read_text().split()
    wanted = {r.name: r.specifier for r in map(Requirement, lines)}
    assert facts["sdk"] == "gradio" and facts["sdk_version"] in wanted["gradio"]
    assert (ROOT / facts["app_file"]).is_file()
    assert isinstance(facts["python_version"], str)  # 3.10 without quotes would become 3.1
    assert facts["python_version"] == re.search(r"python:(\d+\.\d+)-slim", docker())[1]
    assert facts["license"] == "mit" and facts["tags"]
    assert len(facts["short_description"]) <= 60


def docker() -> str:
    return (ROOT / "Dockerfile").read_text()


def test_the_container_is_a_user_without_rights_and_offline():
    steps = re.findall(r"^([A-Z]+) ", docker(), flags=re.MULTILINE)
    assert steps[0] == "FROM" and steps[-1] == "CMD"
    users = re.findall(r"^USER (\S+)", docker(), flags=re.MULTILINE)
    assert users and users[-1] not in ("root", "0")
    assert steps.index("USER") > max(i for i, step in enumerate(steps) if step == "RUN")
    assert "/healthz" in docker() and "HEALTHCHECK" in steps
    for setting in (
        "HF_HUB_OFFLINE=1",
        "GRADIO_ANALYTICS_ENABLED=False",
        "GRADIO_SERVER_NAME=0.0.0.0",
    ):
        assert setting in docker()
    assert not re.search(r"curl|wget|git clone|ADD |https?://(?!127\.0\.0\.1)", docker())
    assert "libfluidsynth3" in (ROOT / "packages.txt").read_text().split()


def test_the_image_has_what_the_app_needs():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    left_out = [line for line in lines if line and not line.startswith("#")]
    for needed in (
        "app.py",
        "requirements.txt",
        "packages.txt",
        "prism/ui/page.py",
        "weights/prism.json",
        "assets/corpus/corpus.npz",
        "assets/page/page.css",
        "assets/evaluation.json",
    ):
        assert (ROOT / needed).is_file()
        assert not any(
            fnmatch.fnmatch(needed, pattern) or needed.startswith(f"{pattern}/")
            for pattern in left_out
        ), needed
    assert {".git", ".venv", "runs", "tests"} <= set(left_out)


HEAPS = """
import ctypes, runpy, threading

runpy.run_path("prism/service/hosting.py")["give_memory_back"]()
library = ctypes.CDLL(None)
library.malloc.restype = library.fopen.restype = ctypes.c_void_p
library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
library.fclose.argtypes = library.free.argtypes = [ctypes.c_void_p]

def block():
    pointer = library.malloc(12 << 20)
    ctypes.memset(pointer, 1, 12 << 20)
    return pointer

def resident():
    return [int(line.split()[1]) for line in open("/proc/self/status") if "VmRSS" in line][0]

PIN = 8 << 20  # larger than any gap: it lies behind the block before it
library.free(block())  # by default glibc may keep blocks of this size on the heap from now on
blocks, pins = [], []
for _ in range(4):
    blocks.append(block())
    pins.append(library.malloc(PIN))
full = resident()
for pointer in blocks:
    library.free(pointer)
freed = full - resident()

together = threading.Barrier(20)

def answer():
    together.wait()
    pins.append(library.malloc(PIN))
    together.wait()

threads = [threading.Thread(target=answer) for _ in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
report = library.fopen(b"/dev/stdout", b"w")
print(freed >> 10, flush=True)
library.malloc_info(0, report)
library.fclose(report)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="concerns glibc alone")
def test_freed_blocks_are_given_back_and_heaps_are_few():
    out = subprocess.check_output([sys.executable, "-c", HEAPS], cwd=ROOT, text=True)
    megabytes, _, report = out.partition("\n")
    assert int(megabytes) > 40
    assert report.count("<heap nr=") <= 2
