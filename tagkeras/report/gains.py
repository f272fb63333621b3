"""How much better a run is than another ranking of the same posts."""

from tagkeras.evaluate.comparison import Difference, differences
from tagkeras.evaluate.evaluation import MODEL, Evaluation


def gain_over_ranking(
    evaluation: Evaluation, ranked: Evaluation, ranking: str, metric: str
) -> Difference:
    """The gain of the model over a baseline on the same posts, paired.

    Args:
        evaluation: of the run.
        ranked: the evaluation that has the baseline; of the same posts.
        ranking: name of the baseline, as in `metrics.json`.
        metric: such as `R@10`.
    """
    posts = evaluation.posts
    k = int(metric.rpartition("@")[2])
    before = ranked.posts.scores(ranking, [k])
    after = posts.scores(MODEL, [k])
    return differences(posts.users, {metric: before[metric]}, {metric: after[metric]})[metric]
