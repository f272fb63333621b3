"""The few numbers that a page begins with."""

import dataclasses

from tagkeras.evaluate.comparison import Difference, compare
from tagkeras.evaluate.evaluation import MODEL
from tagkeras.report.gains import gain_over_ranking
from tagkeras.report.runs import BILINEAR, RunGroup

_FREQUENCY, _ORACLE = "frequency_baseline", "oracle"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Headline:
    """What came out for the posts of one dataset.

    Attributes:
        metric: recall at the largest k.
        best: the run that is ahead in it.
        value: of it, in [0, 1].
        interval: [low, high] of it.
        over_frequency: its gain over the most frequent hashtags; None if they were not ranked.
        bilinear: the bilinear run; None if there is none, or no other.
        sees_user: the best run that is not bilinear; None as `bilinear`.
        over_bilinear: the gain of `sees_user` over `bilinear`; None as they.
        oracle: what knowing the posts' probabilities would reach; None if that is not known, or
            the posts are balanced.
        way: the part of the way from the most frequent hashtags to the oracle; None as that.
    """

    metric: str
    best: str
    value: float
    interval: tuple[float, float]
    over_frequency: Difference | None
    bilinear: str | None
    sees_user: str | None
    over_bilinear: Difference | None
    oracle: float | None
    way: float | None


def make_headline(group: RunGroup) -> Headline:
    """Compares the best run of a group with what there is to compare it with."""
    metric, best = group.headline, group.best
    run = group.runs[best]
    low, high = run.metrics["intervals"][MODEL][metric]
    others_ranked = group.with_baselines
    has_frequency = _FREQUENCY in others_ranked.metrics
    bilinear = group.of_model(BILINEAR)
    others = [name for name, other in group.runs.items() if other.model != BILINEAR]
    sees_user = max(others, key=lambda n: group.runs[n].metrics[metric], default=None)
    over_bilinear = None
    if bilinear is not None and sees_user is not None:
        evaluations = (group.runs[name].evaluation for name in (bilinear, sees_user))
        over_bilinear = compare(*evaluations)[metric]
    oracle, way = None, None
    # Balancing takes hashtags off at random: the oracle of all hashtags is no ceiling then.
    if has_frequency and _ORACLE in others_ranked.metrics and group.is_natural:
        floor, oracle = (others_ranked.metrics[name][metric] for name in (_FREQUENCY, _ORACLE))
        way = (run.metrics[metric] - floor) / (oracle - floor) if oracle > floor else None
    return Headline(
        metric=metric,
        best=best,
        value=run.metrics[metric],
        interval=(low, high),
        over_frequency=(
            gain_over_ranking(run.evaluation, others_ranked.evaluation, _FREQUENCY, metric)
            if has_frequency
            else None
        ),
        bilinear=bilinear if over_bilinear else None,
        sees_user=sees_user if over_bilinear else None,
        over_bilinear=over_bilinear,
        oracle=oracle if way is not None else None,
        way=way,
    )
