"""The finding about the hashtags that the multiplicative model gains most in."""

from collections.abc import Mapping

import numpy as np
import scipy.stats

from tagkeras.experiment.dataset_results import DatasetResults
from tagkeras.experiment.finding import CONTRARY, NOT_SEEN, SEEN, Finding, describe_p
from tagkeras.experiment.model_means import BILINEAR, MULTIPLICATIVE, shared_dims

# Of the tags that a model gains most in, so many are looked at; the paper shows 20.
TOP_TAGS = 20
# Posts of the split that a tag must be on: the recall of rarer ones is chance.
MIN_POSTS = 20
BOTH = "both"


def top_gains_depend_on_both(
    results: DatasetResults, *, top: int = TOP_TAGS, min_posts: int = MIN_POSTS
) -> Finding | None:
    """The tags that the multiplicative model recalls better than the bilinear one hang on both.

    On user and image together, that is: their share among the tags of the largest gains is compared
    with that among all tags, by the exact test of drawing without replacement.

    Args:
        results: of a dataset where it is known what tags depend on.
        top: tags of the largest gains.
        min_posts: of the split, that a tag must be on to count.

    Returns:
        None without both models in one embedding size, or with fewer than 2 * `top` such tags.
    """
    kinds, tags = results.hashtag_kinds, results.tag_recalls.tags
    if kinds is None or not shared_dims(results, MULTIPLICATIVE, BILINEAR):
        return None
    gains = recall_gains(results)
    eligible = [
        tag
        for tag, num_posts in enumerate(results.tag_recalls.num_posts)
        if num_posts >= min_posts and tags[tag] in kinds
    ]
    if len(eligible) < 2 * top:
        return None
    best = sorted(eligible, key=lambda tag: (-gains[tag], tag))[:top]
    of_kind, observed = (sum(kinds[tags[tag]] == BOTH for tag in some) for some in (eligible, best))
    # Of `top` tags drawn from the eligible ones, without replacement.
    chance = scipy.stats.hypergeom(len(eligible), of_kind, top)
    # Two-sided, as those of the other findings.
    p_value = min(1.0, 2 * float(min(chance.sf(observed - 1), chance.cdf(observed))))
    share = of_kind / len(eligible)
    low, high = scipy.stats.binomtest(observed, top).proportion_ci(method="wilson")
    first = ", ".join(f"#{tags[tag]}" for tag in best[:5])
    return Finding(
        name="top_gains_depend_on_both",
        claim="The hashtags that the multiplicative model gains most in over the bilinear one are"
        " those that depend on user and image together",
        datasets=(results.name,),
        metric=results.headline,
        unit="fraction",
        value=observed / top - share,
        low=low - share,
        high=high - share,
        p_value=p_value,
        verdict=_verdict(p_value, is_more=observed / top > share),
        text=f"of the {top} hashtags of the largest gains ({first}, ...) {observed} depend on both"
        f" ({100 * observed / top:.0f}%), of all {len(eligible)} on {min_posts} posts or more"
        f" {of_kind} ({100 * share:.0f}%): p {describe_p(p_value)}, exact.",
    )


def recall_gains(results: DatasetResults) -> np.ndarray:
    """How much better the multiplicative model recalls each tag than the bilinear one.

    Returns:
        float64 [Y], means over the sizes of each model in the embedding sizes that they share; NaN
        for tags that no post has.
    """
    dims = shared_dims(results, MULTIPLICATIVE, BILINEAR)

    def recalls(model: str) -> np.ndarray:
        found: Mapping[int, list[np.ndarray]] = {dim: [] for dim in dims}
        for size in results.sizes_of(model):
            if size.embedding_dim in dims:
                found[size.embedding_dim].append(results.tag_recalls.recalls[size])
        return np.mean([np.mean(of_dim, axis=0) for of_dim in found.values()], axis=0)

    return recalls(MULTIPLICATIVE) - recalls(BILINEAR)


def _verdict(p_value: float, *, is_more: bool) -> str:
    if p_value >= 0.05:
        return NOT_SEEN
    return SEEN if is_more else CONTRARY
