"""Which tags the page draws curves of."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from tagkeras.cli.errors import UserError
from tagkeras.report.evaluate_run import tags_with_curve
from tagkeras.report.runs import RunGroup

# Tags to choose from: rare ones differ by chance.
FREQUENT = 50
NUMBER = 6


def check_tags(tags: Sequence[str], group: RunGroup) -> None:
    """Makes sure that tags which were asked for have curves.

    Raises:
        UserError: one is unknown, or has no curve in one of the evaluations.
    """
    for tag in tags:
        if tag not in group.vocabulary.ids:
            raise UserError(f"--tags={tag}: not in the vocabulary of {group.first.evaluation.path}")
        for run in group.shown.values():
            if tag not in tags_with_curve(run.evaluation):
                raise UserError(
                    f"--tags={tag}: no curve in {run.evaluation.path}:"
                    f" run python -m tagkeras.evaluate --tags={tag} again"
                )


def most_different_tags(tables: Mapping[str, pa.Table], number: int = NUMBER) -> list[str]:
    """The tags that the runs differ most on, in average precision.

    Args:
        tables: of tags, by run, all of the same posts.
        number: of tags to choose.

    Returns:
        Of the `FREQUENT` tags that most posts of the split have, those with the largest difference
        between the best run and the worst, which come first; the most frequent if there is one run.
    """
    first = next(iter(tables.values()))
    truth = first.column("truth").to_numpy()
    precision = np.stack(
        [t.column("average_precision").to_numpy(zero_copy_only=False) for t in tables.values()]
    ).astype(np.float64)
    frequent = [
        int(tag)
        for tag in np.argsort(-truth, kind="stable")
        if truth[tag] and not np.isnan(precision[:, tag]).any()
    ][:FREQUENT]
    spread = np.ptp(precision, axis=0)
    chosen = sorted(frequent, key=lambda tag: -spread[tag])[:number]
    names = first.column("tag").to_pylist()
    return [names[tag] for tag in chosen]
