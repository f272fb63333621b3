"""Experiments: a grid of models, trained and evaluated, and what the results say of the paper."""
