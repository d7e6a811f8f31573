"""The baseline: the Anticipatory Music Transformer (Thickstun et al. 2023), small and fast."""
