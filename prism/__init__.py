"""Prism: a latent diffusion transformer that draws 64-beat piano rolls."""

import os

# GNU OpenMP's threads spin while they wait, 300,000 turns if nobody says otherwise. Where another
# program works on the same cores, that makes a sampler's many small products twice as slow, and now
# and then many times; no spinning at all makes them half as fast alone. So many turns cost neither
# much (benchmarks/contention.py). It is read when torch is first imported; what a user set is kept.
os.environ.setdefault("GOMP_SPINCOUNT", "6000")
