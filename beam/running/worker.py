"""A worker process of the in-process runner, as quiet as that runner itself.

    python -m beam.running.worker

Beam starts it. It is Beam's own worker, which by itself tells the screen everything that it does.
Workers of other runners import this module before they start threads: bundles run in threads, and
TensorFlow's modules import each other in circles, so that a second thread may see halves of them.
"""

import logging

import keras  # noqa: F401
import tensorflow  # noqa: F401


def main() -> None:
    """Runs Beam's worker."""
    from apache_beam.runners.worker import sdk_worker_main

    logging.disable(logging.WARNING)
    sdk_worker_main.main([])


if __name__ == "__main__":
    main()
