"""Batches the computations of concurrent requests, as `--enable_batching` asks."""
