"""What to do when there are new hashtags: start from an earlier run, or add rows to its table."""
