"""Experiments: a grid of runs, trained and evaluated, and what follows from it."""
