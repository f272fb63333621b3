"""What came out on one dataset, over all models, sizes and seeds."""

import dataclasses
from collections.abc import Mapping

from tagkeras.experiment.resampled import Resampled
from tagkeras.experiment.runs import Configuration
from tagkeras.experiment.tag_recalls import TagRecalls

# By the name of the metric.
Metrics = Mapping[str, Resampled]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class DatasetResults:
    """Statistics of one dataset; those of all datasets of an experiment are of the same resamples.

    Attributes:
        name: in the specification.
        distribution: `natural` or `balanced`.
        num_posts: of the split that was evaluated.
        num_users: of these posts.
        ks: how many predictions metrics count, rising.
        seeds: of the runs.
        models: metrics of each model and size, in the order of the grid: means over seeds.
        baselines: metrics of each other way to rank, by the names of `metrics.json`.
        tag_recalls: of single tags.
        hashtag_kinds: what each hashtag depends on; None where that is not known.
    """

    name: str
    distribution: str
    num_posts: int
    num_users: int
    ks: tuple[int, ...]
    seeds: tuple[int, ...]
    models: Mapping[Configuration, Metrics]
    baselines: Mapping[str, Metrics]
    tag_recalls: TagRecalls
    hashtag_kinds: Mapping[str, str] | None = None

    @property
    def headline(self) -> str:
        """The metric that findings are told by: recall at the largest k."""
        return f"R@{self.ks[-1]}"

    @property
    def shown_metrics(self) -> tuple[str, str, str]:
        """Those of the paper's table, P@1, R@10 and A@10, or what comes closest."""
        return f"P@{self.ks[0]}", self.headline, f"A@{self.ks[-1]}"

    def sizes_of(self, model: str) -> list[Configuration]:
        """The sizes that a model was trained in."""
        return [configuration for configuration in self.models if configuration.model == model]
