"""The flags of an export's index."""

import dataclasses

from tagkeras.cli.commandline import option
from tagkeras.cli.errors import UserError
from tagkeras.export.make_index import IvfSettings
from tagkeras.retrieval.cells import check_installed


@dataclasses.dataclass(frozen=True, kw_only=True)
class IndexFlags:
    """How the best hashtags are found."""

    index: str = option(
        "exact",
        help="how the best hashtags are found: exact (all are scored) or ivf (those of the most"
        " promising cells; for vocabularies of hundreds of thousands and more)",
        choices=("exact", "ivf"),
    )
    recall_target: float | None = option(
        None,
        help="ivf: share of the exact answers' hashtags to be found, less than 1, by default 0.99;"
        " as many cells are looked into as the validation posts need for it",
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

    def ivf(self) -> IvfSettings | None:
        """How the inverted file is made; None for an exact index.

        Raises:
            UserError: a flag of the inverted file without --index=ivf, a recall of 1, or no
                scikit-learn.
        """
        if self.index == "ivf":
            if self.recall_target == 1:
                raise UserError("--recall_target=1: only --index=exact is known to miss nothing")
            check_installed()
            default = IvfSettings()
            return IvfSettings(
                recall_target=self.recall_target or default.recall_target,
                num_cells=self.index_cells,
                num_posts=self.index_posts or default.num_posts,
            )
        for flag in ("recall_target", "index_cells", "index_posts"):
            if (value := getattr(self, flag)) is not None:
                raise UserError(f"--{flag}={value}: give --index=ivf, too")
        return None
