"""How many users `--test_posts` holds out: up to the one who brings their posts nearest to it."""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.pvalue import AsSingleton, PCollection

from beam.staging.duplicates import is_among
from beam.staging.staging_folder import StagedBlock, StagingFolder


@beam.ptransform_fn
def find_test_fraction(
    blocks: PCollection[Any], duplicates: PCollection[Any], staging: StagingFolder, test_posts: int
) -> PCollection[Any]:
    """From `StagedBlock`s and the row keys of duplicates to the fraction of the users to hold out.

    No more than the draws of about `test_posts` posts are in memory at once.
    """
    return (
        blocks
        | "SpreadDraws" >> beam.Reshuffle()
        | "ReadDraws" >> beam.Map(_read_draws, AsSingleton(duplicates), staging)
        | "TakeLowest" >> beam.CombineGlobally(take_lowest, test_posts)
        | "FindFraction" >> beam.Map(nearest_fraction, test_posts)
    )


def _read_draws(block: StagedBlock, duplicates: np.ndarray, staging: StagingFolder) -> np.ndarray:
    posts = staging.read(block.name, ["row_key", "draw"])
    is_again = is_among(posts.column("row_key").to_numpy(), duplicates)
    return posts.column("draw").to_numpy()[~is_again]


def take_lowest(arrays: Iterable[np.ndarray], number: int) -> np.ndarray:
    """The lowest draws of posts, sorted: so many, and all others of the last one's user."""
    draws = np.sort(np.concatenate([np.zeros(0), *arrays]))
    return draws[draws <= draws[number - 1]] if len(draws) > number else draws


def nearest_fraction(lowest: np.ndarray, number: int) -> float:
    """What the draws of nearest to `number` posts are below, of at least one user's.

    Args:
        lowest: of `take_lowest`.
        number: of posts; 1.0 if there are fewer.
    """
    if len(lowest) < number:
        return 1.0
    last = lowest[number - 1]
    before = int(np.searchsorted(lowest, last))
    is_nearer_without = before > 0 and number - before < len(lowest) - number
    return float(last if is_nearer_without else np.nextafter(last, 1.0))
