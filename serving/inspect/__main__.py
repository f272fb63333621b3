"""Prints what is in a SavedModel: its signatures, sizes and provenance.

    python -m serving.inspect SAVEDMODEL

SAVEDMODEL is the folder of a version. Any SavedModel will do; of those that tagkeras.export wrote,
the dataset and the flags that they were trained and exported with are shown too.
"""

import dataclasses
import json

from tagkeras.cli.commandline import option, run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The options of this command."""

    model: str = option(help="folder of a SavedModel, such as models/hashtags/1", positional=True)
    json: bool = option(False, help="print JSON")


def main(config: Config) -> None:
    """Reads and prints."""
    from serving.inspect.saved_model_summary import describe, summarize

    summary = summarize(config.model)
    if config.json:
        print(json.dumps(dataclasses.asdict(summary), indent=2))
        return
    for line in describe(summary):
        print(line)


if __name__ == "__main__":
    run(main, Config)
