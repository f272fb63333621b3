"""Gives a trained model hashtags that it does not know, from a few example posts each.

    python -m tagkeras.add_tags --workdir=RUN --data=DATASET --posts=FILE --output=NEW_RUN

Only rows for the new tags are learned, in seconds: the embedding and the rows of all other tags
stay as they are, bit for bit. NEW_RUN is a workdir that `tagkeras.evaluate` and `tagkeras.export`
take in place of RUN.
"""

from tagkeras.add_tags.config import Config
from tagkeras.cli.commandline import run


def main(config: Config) -> None:
    """Adds the tags and says which."""
    from tagkeras.add_tags import add_tags

    add_tags.main(config)


if __name__ == "__main__":
    run(main, Config)
