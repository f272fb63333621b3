"""From staged posts to the TFRecords, vocabulary and manifest of a dataset."""
