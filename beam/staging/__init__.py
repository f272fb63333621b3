"""Staged blocks: what the first pass of a pipeline leaves for the second."""
