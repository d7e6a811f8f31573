"""Collections of music, each read into the same `Piece` records and prepared once into one file."""
