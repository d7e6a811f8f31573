"""When, where and from what a result came."""

from __future__ import annotations

import datetime
import os
import pathlib
import platform
import subprocess
import time

import torch


def utc(seconds: float | None = None) -> str:
    """A time (now by default) in UTC, to the second, from seconds since 1970."""
    seconds = time.time() if seconds is None else seconds
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="seconds")


def hardware() -> str:
    """The processor, or the GPU where there is one, and the number of threads."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} cores, no GPU"


def commit() -> str:
    """The git commit of the working tree, with ``+`` if it has changes; empty outside git."""
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
