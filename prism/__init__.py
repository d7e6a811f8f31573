"""Prism: a latent diffusion transformer that draws 64-beat piano rolls."""

import os

# GNU OpenMP's threads spin while they wait, 300,000 turns if nobody says otherwise. Where two
# programs or two visitors share the cores, that makes a sampler's small products fifty times as
# slow; no spinning at all makes them half as fast alone. So many turns cost neither much. It is
# read when torch is first imported, and whoever sets it keeps what they set.
os.environ.setdefault("GOMP_SPINCOUNT", "6000")
