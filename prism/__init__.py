"""Prism: a latent diffusion transformer that draws 64-beat piano rolls."""
