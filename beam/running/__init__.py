"""Where and how pipelines run, and the files that they share."""
