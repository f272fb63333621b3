"""Measurements of tagkeras; each command prints JSON."""

import tagkeras  # noqa: F401 - keeps TensorFlow's start-up quiet
