"""Apache Beam pipelines: from posts to datasets and predictions, and a look at what is in them."""

import logging

# Beam says that a library for BigQuery is absent, and that it cannot measure memory.
_NOISE = ("apitools not found", "Resource module is not available")
logging.getLogger().addFilter(lambda record: not str(record.msg).startswith(_NOISE))
