"""Training runs: the command `tagkeras.train`, its loop, and what it keeps in a workdir."""
