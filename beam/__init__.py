"""Apache Beam pipelines: from posts to datasets."""

import logging

import tagkeras  # noqa: F401 - keeps TensorFlow's start-up noise off the screen

# Beam says that a library for BigQuery is absent, and that it cannot measure memory.
_NOISE = ("apitools not found", "Resource module is not available")
logging.getLogger().addFilter(lambda record: not str(record.msg).startswith(_NOISE))
