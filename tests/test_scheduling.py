"""Batches, workers that die, and files that kill them: plain processes and a Dask cluster."""

import functools
import os
import signal

import pytest
from reading import File, collected, doubled, slowly
from test_corpora_folder import songs, tree

from prism.corpora import files, folder, midi_preparation, preparation, scheduling
from prism.corpora.files import CorpusError, LeftOut
from prism.corpora.scheduling import CRASH, FAILED, batches, opened_pool, run, worked


def work(names: list[str], scheduler: str, marks: str = "") -> dict:
    read = functools.partial(doubled, marks=marks)
    found = [tuple(map(File, names[i : i + 2])) for i in range(0, len(names), 2)]
    results = list(run(found, read, collected, (scheduler, 2)))
    return {path: result for part in results for path, result in part.items()}


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", ["processes", "local"])
def test_a_file_that_kills_its_reader_is_left_out_alone(scheduler, tmp_path):
    if scheduler == "local":
        pytest.importorskip("distributed", reason="Dask is not installed")
    names = ["a", "b", "c", "deadly", "once", "d", "e"]
    expected = {name: name * 2 for name in names} | {"deadly": LeftOut("deadly", CRASH)}
    assert work(names, scheduler, str(tmp_path)) == expected


@pytest.mark.slow
def test_every_deadly_file_of_a_batch_is_found():
    batch = (*map(File, ("deadly 1", "a", "deadly 2")), LeftOut("b", "no file"))
    result = scheduling.without_crashing_files(batch, doubled, collected)
    assert result == {
        "deadly 1": LeftOut("deadly 1", CRASH),
        "a": "aa",
        "deadly 2": LeftOut("deadly 2", CRASH),
        "b": LeftOut("b", "no file"),
    }


def test_a_file_its_reader_fails_on_is_left_out():
    batch = (File("a"), File("ab"))
    assert worked(batch, lambda file: 1 // len(file.path[1:]), collected) == {
        "a": LeftOut("a", FAILED, "ZeroDivisionError: integer division or modulo by zero"),
        "ab": 1,
    }


@pytest.mark.slow
def test_preparing_goes_on_when_one_of_two_workers_is_killed(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    root = tree(tmp_path / "mine", songs("Ada", 120))
    cut = functools.partial(batches, mean_files=4)
    monkeypatch.setattr(midi_preparation, "batches", cut)
    entries = list(files.entries(root))
    done: list[int] = []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://127.0.0.1:")
        victim = cluster.workers[0].process.pid

        def advance(files: int) -> None:
            if not done:
                os.kill(victim, signal.SIGKILL)
            done.append(files)

        shards = preparation.made_shards(
            cut(entries), slowly, tmp_path / "cache", (cluster.scheduler_address, 0), advance
        )
        assert cluster.workers[0].process.pid != victim  # Dask began another
    assert len(shards) > 10 and sum(done) == 120
    killed = pieces(tmp_path, root, shards)
    monkeypatch.undo()
    plain = preparation.made_shards(
        batches(entries), folder.read_entry, tmp_path / "plain", ("processes", 1), done.append
    )
    assert killed == pieces(tmp_path, root, plain)


def pieces(tmp_path, root, shards) -> list[tuple]:
    summaries = [s for n, path in enumerate(shards) for s in preparation.read_summaries(path, n)[0]]
    return sorted((s.identifier, s.notes, s.fingerprint) for s in summaries)


def test_one_file_more_changes_one_batch():
    files = [File(f"song {i}") for i in range(500)]
    before = set(batches(files, 16))
    after = set(batches([*files[:250], File("another"), *files[250:]], 16))
    assert 8 < len(before) < 60 and max(map(len, before)) <= 64
    assert len(after - before) <= 2


def test_contents_that_travel_keep_batches_small():
    content = functools.partial(bytes, bytes(2**20))
    sizes = [len(batch) for batch in batches(files.MidiFile(f"{i}", content) for i in range(20))]
    assert sum(sizes) == 20 and max(sizes) <= 7


@pytest.mark.parametrize(
    "scheduler, message",
    [
        ("here", "expected local, processes or an address such as tcp://host:8786; got 'here'"),
        ("tcp://127.0.0.1:9", "no worker that has Prism can be reached"),
    ],
)
def test_a_scheduler_that_cannot_be_used_is_explained(scheduler, message, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is not installed")
    monkeypatch.setattr(scheduling, "CONNECT_SECONDS", 1)
    with pytest.raises(CorpusError, match=message), opened_pool(scheduler):
        pass


def test_without_dask_plain_processes_do_it(monkeypatch, capsys):
    monkeypatch.setattr(scheduling.importlib.util, "find_spec", lambda name: None)
    assert work(["a", "b"], "local") == {"a": "aa", "b": "bb"}
    assert "Dask is not installed" in capsys.readouterr().out
    with pytest.raises(CorpusError, match="needs Dask: pip install"), opened_pool("tcp://x:1"):
        pass
