"""How much better a run is than another ranking of the same evaluation, or than another run."""

import numpy as np

from tagkeras.evaluation.bootstrap import bootstrap_means, percentiles
from tagkeras.evaluation.comparison import Difference, sign_flip_p_values
from tagkeras.evaluation.evaluation import MODEL, Evaluation
from tagkeras.evaluation.post_scores import post_scores


def gain_over_ranking(
    evaluation: Evaluation, ranked: Evaluation, ranking: str, metric: str
) -> Difference:
    """The gain of the model over a baseline on the same posts, paired.

    Args:
        evaluation: of the run.
        ranked: the evaluation that has the baseline; of the same posts.
        ranking: name of the baseline, as in `metrics.json`.
        metric: such as `R@10`.

    Returns:
        With the interval and p-value of `tagkeras.evaluation.comparison.compare`.
    """
    posts = evaluation.posts
    before = post_scores(ranked.posts.hits[ranking], posts.num_truth, [_k_of(metric)])[metric]
    after = post_scores(posts.hits[MODEL], posts.num_truth, [_k_of(metric)])[metric]
    gains = (after - before)[:, np.newaxis]
    low, high = percentiles(bootstrap_means(posts.users, gains))[0]
    return Difference(
        first=float(before.mean()),
        second=float(after.mean()),
        difference=float(gains.mean()),
        low=float(low),
        high=float(high),
        p_value=float(sign_flip_p_values(posts.users, gains)[0]),
    )


def _k_of(metric: str) -> int:
    return int(metric.rpartition("@")[2])
