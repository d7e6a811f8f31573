"""Time a click on the real page's server: first preview, finished roll with sound, a repeat, AMT.

Starts ``python app.py`` and drives it over HTTP as the page does; the model's part is measured
afterwards, without a server and with nothing beside it. The alternative measured beside
it is the same request with 60 sampler steps, about the cost of the 30 Heun steps first used.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import math
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

import report
from gradio_client.exceptions import AppError

from prism import ROOT
from prism.music.writing import table_text

STARTUP_SECONDS = 120


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start_app(
    weights: os.PathLike, folder: os.PathLike = ROOT
) -> tuple[subprocess.Popen, str, float]:
    """Start a checkout's app; its process, address and the seconds until the page answered."""
    port = free_port()
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "PRISM_WEIGHTS": str(weights),
    }
    started = time.monotonic()
    app = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}/"
    while time.monotonic() - started < STARTUP_SECONDS:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return app, address, time.monotonic() - started
        except OSError:
            time.sleep(0.02)
    app.kill()
    raise SystemExit(f"the app did not answer within {STARTUP_SECONDS} s")


def fetch_sound(player: dict) -> None:
    """Fetch a player's sound, as the page does."""
    with urllib.request.urlopen(player["files"]["wav"]["url"]) as sound:
        sound.read()


def click(client, composer: str, seed: int, steps: int = 16) -> tuple[float, float, float]:
    """Seconds from a click to the first roll, the finished roll with its sound, and AMT's.

    The page asks for all three sides at once, so they share the cores. AMT's is not a number (nan)
    where its weights are missing.
    """
    started, first = time.monotonic(), 0.0
    job = client.submit([composer], seed=seed, num_inference_steps=steps, api_name="/generate")
    real = client.submit([composer], seed=seed, api_name="/corpus")
    amt = client.submit([composer], seed=seed, api_name="/amt")
    for player in job:
        if not first and player["notes"]:
            first = time.monotonic() - started
    fetch_sound(player)
    finished = time.monotonic() - started
    real.result()
    try:
        baseline = amt.result()
    except AppError:
        return first, finished, math.nan
    fetch_sound(baseline)
    return first, finished, time.monotonic() - started


def clicks(client, seeds: range, steps: int = 16) -> list[tuple[float, float, float]]:
    """One click a seed.

    Now and then the client closes its stream of events between two jobs and gives the next one up;
    that says nothing of the server, so such a click is left out.
    """
    taken = []
    for seed in seeds:
        with contextlib.suppress(concurrent.futures.CancelledError):
            taken.append(click(client, "Bach", seed, steps))
    return taken


def model_seconds(weights: os.PathLike, runs: int) -> float:
    """Median time of drawing one roll in this process."""
    from prism.models.pipeline import PrismPipeline

    pipe = PrismPipeline.from_pretrained(weights)
    return report.seconds(lambda seed: pipe("Bach", seed=seed), runs)


def drawing_seconds(weights: os.PathLike, runs: int) -> dict[str, list[float]]:
    """Times of a piece as the page draws it and of what is made of it then, without sound.

    These are four of its bars drawn anew, its first half gone on from, and its four takes.
    """
    from prism.models.edits import Edit
    from prism.models.pipeline import PrismPipeline
    from prism.models.settings import TAKES, GenerationSettings
    from prism.service.loading import Loader
    from prism.service.scheduler import Scheduler
    from prism.service.sources import PrismSource

    pipe = PrismPipeline.from_pretrained(weights)
    source = PrismSource(Loader(lambda: pipe), Scheduler())
    taken = {name: [] for name in ("one", "redraw", "continue", "four takes")}
    for k in range(runs + 1):
        # The takes of one of them are not those of another.
        settings = GenerationSettings("Bach", seed=TAKES * k)
        started = [time.monotonic()]
        roll = source.piece(settings).roll
        started.append(time.monotonic())
        source.piece(settings.with_edits([Edit(5, 8, k)]))
        started.append(time.monotonic())
        pipe("Bach", seed=settings.seed, known=roll, known_beats=slice(0, 32))
        started.append(time.monotonic())
        list(source.takes(settings))
        started.append(time.monotonic())
        for name, (before, after) in zip(taken, itertools.pairwise(started), strict=True):
            taken[name].append(after - before)
    return {name: times[1:] for name, times in taken.items()}


def main() -> None:
    """Run the clicks and report."""
    from gradio_client import Client

    options = report.parser(__doc__).parse_args()
    runs = 3 if options.quick else 15
    app, address, start_seconds = start_app(options.weights)
    try:
        client = Client(address, verbose=False, download_files=False)
        click(client, "Bach", seed=10_000)  # waits for the model to be loaded
        fresh = clicks(client, range(runs))
        repeats = clicks(client, range(runs))
        slow = clicks(client, range(500, 500 + max(1, runs // 5)), steps=60)
    finally:
        app.terminate()
        app.wait()
    median, drawing = statistics.median, drawing_seconds(options.weights, runs)
    figures = {
        "click_to_audio_p50_seconds": round(median(t for _, t, _ in fresh), 3),
        "first_preview_p50_seconds": round(median(t for t, _, _ in fresh), 3),
        "cached_repeat_p50_seconds": round(median(t for _, t, _ in repeats), 3),
        "model_alone_p50_seconds": round(model_seconds(options.weights, runs), 3),
        "four_takes_p50_seconds": round(median(drawing["four takes"]), 3),
        "start_seconds": round(start_seconds, 2),
        "click_to_audio_60_steps_p50_seconds": round(median(t for _, t, _ in slow), 3),
    }
    figures["speedup_over_60_steps"] = round(
        figures["click_to_audio_60_steps_p50_seconds"] / figures["click_to_audio_p50_seconds"], 2
    )
    for name in ("redraw", "continue", "four takes"):
        ratios = [a / b for a, b in zip(drawing[name], drawing["one"], strict=True)]
        figures[f"{name.replace(' ', '_')}_over_one"] = round(median(ratios), 2)
    whole = [t for *_, t in fresh if not math.isnan(t)]
    if whole:
        figures["amt_whole_p50_seconds"] = round(median(whole), 3)
    rows = [(name.replace("_", " "), str(value)) for name, value in figures.items()]
    text = (
        f"{table_text(('measured', 'seconds'), rows)}\n\n"
        f"Median of {len(fresh)} clicks (one composer) on {report.machine()}."
    )
    short = (
        f"A click sounds after {figures['click_to_audio_p50_seconds']} s, a repeated one after "
        f"{figures['cached_repeat_p50_seconds']} s; the model takes "
        f"{figures['model_alone_p50_seconds']} s of it (median of {len(fresh)}, "
        f"{report.machine()})."
    )
    report.publish("latency", text, figures, options, short)


if __name__ == "__main__":
    main()
