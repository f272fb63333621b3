"""The baselines by name, with what they have to know of the training posts."""

from collections.abc import Sequence
from pathlib import Path

from tagkeras.cli.progress import progress
from tagkeras.data import input as data_input
from tagkeras.data.manifest import Manifest
from tagkeras.evaluate.baselines.baseline import Baseline
from tagkeras.evaluate.baselines.demographic import DemographicBaseline
from tagkeras.evaluate.baselines.frequency import FrequencyBaseline
from tagkeras.evaluate.baselines.neighbour import NeighbourBaseline

BASELINES = ("frequency", "demographic", "neighbour")
_BATCH_SIZE = 512


def make_baselines(
    names: Sequence[str],
    dataset: Path,
    manifest: Manifest,
    *,
    num_tags: int,
    k: int,
    age_bounds: Sequence[float],
    neighbour_posts: int,
) -> list[Baseline]:
    """Makes baselines; all but `frequency` read the training posts once.

    Args:
        names: of `BASELINES`.
        dataset: folder that `beam.preprocess` wrote.
        manifest: its manifest.
        num_tags: Y, of the model; at least that of the dataset.
        k: how many tags they give each post.
        age_bounds: of the demographic baseline.
        neighbour_posts: training posts that the neighbour baseline looks at.

    Raises:
        UserError: the training posts are damaged or not all there.
    """
    num_posts = manifest.splits["train"]["posts"]
    made: list[Baseline] = []
    learning: list[DemographicBaseline | NeighbourBaseline] = []
    if "frequency" in names:
        made.append(FrequencyBaseline(k))
    if "demographic" in names:
        learning.append(DemographicBaseline(num_tags, k, age_bounds))
    if "neighbour" in names:
        learning.append(
            NeighbourBaseline(
                num_posts=num_posts, most_posts=neighbour_posts, num_tags=num_tags, k=k
            )
        )
    if learning:
        batches = data_input.read_split(dataset, manifest, "train", _BATCH_SIZE)
        with (
            progress("reading training posts for the baselines", num_posts, "posts") as advance,
            data_input.named_errors(dataset),
        ):
            for batch in batches:
                for baseline in learning:
                    baseline.learn(batch)
                advance(len(batch["post_id"]))
    return [*made, *learning]
