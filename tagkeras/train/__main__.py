"""Trains a model on a dataset of `beam.preprocess`, in a workdir that a later call resumes.

    python -m tagkeras.train --data=DATASET --workdir=WORKDIR

The same command in the same workdir resumes at the step of the newest checkpoint, and ends with the
weights of a run that was never interrupted.
"""

from tagkeras.cli.commandline import run
from tagkeras.train.config import Config


def main(config: Config) -> None:
    """Trains and prints the best epoch."""
    from tagkeras.train import train

    train.main(config)


if __name__ == "__main__":
    run(main, Config)
