"""Load on a server, and what it does to latencies."""
