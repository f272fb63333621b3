"""Exports a trained model as a SavedModel that the stock TensorFlow Serving answers from.

    python -m tagkeras.export --workdir=WORKDIR --data=DATASET --output=BASE

writes BASE/<version>/, which takes image bytes and what is known of a user, and gives hashtags.
The export is written aside, loaded as servers do, compared with the model that was trained, and
only then renamed to its version; a version is never overwritten.
"""

from tagkeras.cli.commandline import run
from tagkeras.export.config import Config


def main(config: Config) -> None:
    """Exports and says where to."""
    from tagkeras.export import export

    export.main(config)


if __name__ == "__main__":
    run(main, Config)
