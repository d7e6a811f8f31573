"""Time the baseline's sampler alone and beside a training run, by how long OpenMP's threads spin.

``prism`` lets waiting threads spin 6,000 turns; the alternative measured beside it is GNU OpenMP's
own 300,000. Beside other work the latter varies much from run to run. A machine whose torch brings
another OpenMP shows no difference.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time

import report

SETTINGS = {"own": "6000", "default": "300000"}
# What a step of ``prism train similarity`` does, again and again.
BUSY = """
import torch
from prism.similarity.networks import ComposerNetwork
network, rolls = ComposerNetwork(labels=15), torch.rand(32, 3, 88, 256)
print("busy", flush=True)
while True:
    with torch.autocast("cpu", torch.bfloat16):
        network(rolls).float().mean().backward()
"""


def child(command: list[str], spin: str) -> subprocess.Popen:
    """A Python program under a spin count."""
    return subprocess.Popen(
        [sys.executable, *command],
        env=os.environ | {"GOMP_SPINCOUNT": spin},
        text=True,
        stdout=subprocess.PIPE,
        cwd=report.ROOT,
    )


def sample_seconds(options) -> float:
    """Median time of a sample in this process."""
    from prism.amt.pipeline import AMTPipeline

    amt = AMTPipeline.from_pretrained(options.weights / "amt")
    times = []
    for seed in range(1, 2 if options.quick else 4):
        started = time.perf_counter()
        amt(seed=seed)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measured(options, spin: str, beside: bool) -> float:
    """`sample_seconds` in a process of its own, alone or beside a busy one."""
    busy = child(["-c", BUSY], spin) if beside else None
    try:
        if busy:
            busy.stdout.readline()
        quick = ["--quick"] if options.quick else []
        command = [__file__, "--one", "--weights", str(options.weights), *quick]
        return float(child(command, spin).communicate()[0].split()[-1])
    finally:
        if busy:
            busy.kill()
            busy.wait()


def main() -> None:
    """Measure every setting and report."""
    parser = report.parser(__doc__)
    parser.add_argument("--one", action="store_true", help="only this process's sampler")
    options = parser.parse_args()
    if options.one:
        print(sample_seconds(options))
        return
    figures = {
        f"{name}_{place}_seconds": round(measured(options, spin, place == "beside"), 3)
        for name, spin in SETTINGS.items()
        for place in ("alone", "beside")
    }
    ratio = figures["default_beside_seconds"] / figures["own_beside_seconds"]
    figures["speedup_beside"] = round(ratio, 1)
    text = (
        "A sample of the baseline, from nothing, takes "
        f"{figures['own_alone_seconds']} s alone and {figures['own_beside_seconds']} s beside a "
        "training run; with OpenMP's own spin count "
        f"{figures['default_alone_seconds']} s and {figures['default_beside_seconds']} s. "
        f"On {report.machine()}."
    )
    report.publish("contention", text, figures, options)


if __name__ == "__main__":
    main()
