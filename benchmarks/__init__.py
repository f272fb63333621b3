"""Measurements of tagkeras; each command prints JSON."""
