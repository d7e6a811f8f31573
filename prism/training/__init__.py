"""Training of the bundled models: recipes, the loop, the two stages and their record."""
