"""What the embedded server counts and times, for Prometheus."""
