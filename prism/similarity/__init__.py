"""How alike two rolls are, in the eyes of two networks, and what such a number means."""
