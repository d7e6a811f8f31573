"""Prism: a latent diffusion transformer that draws 64-beat piano rolls."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[1]
ASSETS = ROOT / "assets"

# GNU OpenMP's threads spin while they wait, 300,000 turns if nobody says otherwise. Where another
# program works on the same cores, that slows a sampler's many small products in some runs and not
# in others; no spinning at all slows them alone. So many turns cost neither much
# (benchmarks/contention.py). It is read when torch is first imported; what a user set is kept.
os.environ.setdefault("GOMP_SPINCOUNT", "6000")
