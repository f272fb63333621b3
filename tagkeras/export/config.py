"""The options of `tagkeras.export`."""

import dataclasses

from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """What is exported, how it finds the best hashtags, and how it batches requests."""

    workdir: str = option(help="folder of the training run; its best epoch is exported")
    data: str = option(help="dataset folder of the run; its descriptor model becomes part")
    output: str = option(help="base folder of the model's versions")
    version: int | None = option(
        None, help="number of the version; by default one more than the last", minimum=1
    )
    top_k: int | None = option(
        None, help="hashtags in an answer; by default 10, or all of a smaller vocabulary", minimum=1
    )
    block_list: str | None = option(
        None, help="text file of hashtags, one a line, that are never to be answered"
    )
    warmup_posts: str | None = option(
        None, help="file of posts to warm servers up with; by default generated images"
    )
    index: str = option(
        "exact",
        help="how the best hashtags are found: exact (all are scored) or ivf (those of the most"
        " promising cells; for vocabularies of hundreds of thousands and more)",
        choices=("exact", "ivf"),
    )
    recall_target: float | None = option(
        None,
        help="ivf: share of the exact answers' hashtags to be found, less than 1, by default 0.99;"
        " as many cells are searched as the validation posts need for it",
        minimum=0.01,
        maximum=1,
    )
    index_cells: int | None = option(
        None,
        help="ivf: cells of the index; by default four times the square root of the vocabulary,"
        " or half of a small one; the time to make them grows with their square",
        minimum=1,
    )
    index_posts: int | None = option(
        None,
        help="ivf: training posts to make the cells for, and validation posts to measure the recall"
        " on, drawn at random; by default 2000 of each",
        minimum=1,
    )
    max_batch_size: int | None = option(
        None,
        help="rank concurrent requests together in the graph, so many images at once at most;"
        " by default each alone",
        minimum=1,
    )
    batch_timeout_micros: int | None = option(
        None,
        help="microseconds for which a batch waits to become full; by default 0: it takes what"
        " came while others were computed",
        minimum=0,
    )
    num_batch_threads: int | None = option(
        None, help="batches that are computed at the same time; by default 1", minimum=1
    )

    def check(self) -> None:
        """Refuses flags that do not go together.

        Raises:
            UserError: names them and the remedy.
        """
        batching = "--max_batch_size", self.max_batch_size is not None
        ivf = "--index=ivf", self.index == "ivf"
        for name, (needed, is_given) in {
            "batch_timeout_micros": batching,
            "num_batch_threads": batching,
            "recall_target": ivf,
            "index_cells": ivf,
            "index_posts": ivf,
        }.items():
            value = getattr(self, name)
            if value is not None and not is_given:
                raise UserError(f"--{name}={value}: give {needed}, too")
        if self.recall_target == 1:
            raise UserError("--recall_target=1: only --index=exact is known to miss nothing")
