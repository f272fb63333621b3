"""A worker process of the in-process runner, as quiet as that runner itself.

    python -m beam.running.worker

Beam starts it. It is Beam's own worker, which by itself tells the screen everything that it does.
"""

# Beam has type hints for a part of its functions only.
# mypy: allow-untyped-calls

import logging

import tagkeras  # noqa: F401 - keeps TensorFlow's start-up noise off the screen


def main() -> None:
    """Runs Beam's worker."""
    from apache_beam.runners.worker import sdk_worker_main

    logging.disable(logging.WARNING)
    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
