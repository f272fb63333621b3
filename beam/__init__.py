"""Apache Beam pipelines: from posts to datasets."""

import logging

import tagkeras  # noqa: F401 - keeps TensorFlow's start-up noise off the screen

# Beam warns when it is imported of a library for BigQuery, which nothing here uses.
logging.getLogger().addFilter(lambda record: not str(record.msg).startswith("apitools not found"))
