"""All of the paper's findings, tested on the results of an experiment."""

from collections.abc import Sequence

from tagkeras.experiment.dataset_results import DatasetResults
from tagkeras.experiment.finding import Finding
from tagkeras.experiment.model_findings import (
    gain_larger_on_balanced,
    larger_embedding,
    model_over_model,
)
from tagkeras.experiment.model_means import BILINEAR, MULTIPLICATIVE, TITLES, USER_BIASED
from tagkeras.experiment.tag_finding import MIN_POSTS, TOP_TAGS, top_gains_depend_on_both
from tagkeras.experiment.variety_finding import more_varied_on_balanced


def find_all(results: Sequence[DatasetResults]) -> tuple[list[Finding], list[str]]:
    """Tests all of the paper's findings.

    Returns:
        The findings, and the claims that could not be tested, each with what it would take.
    """
    found: list[Finding | None] = []
    untested: list[str] = []

    def take(finding: Finding | None, otherwise: str) -> None:
        found.append(finding)
        if finding is None:
            untested.append(otherwise)

    pair = _natural_and_balanced(results)
    for data in results:
        for model, other in (
            (USER_BIASED, BILINEAR),
            (MULTIPLICATIVE, BILINEAR),
            (MULTIPLICATIVE, USER_BIASED),
        ):
            take(
                model_over_model(data, model, other),
                f"{TITLES[model]} over {TITLES[other]} on {data.name}: takes both models in one"
                " embedding size",
            )
    both = "takes one natural and one balanced dataset, with the models"
    for relative in (False, True):
        take(
            pair and gain_larger_on_balanced(*pair, relative=relative),
            f"{'relative ' if relative else ''}gain larger on balanced data: {both}",
        )
    for data in results:
        for model in TITLES:
            take(
                larger_embedding(data, model),
                f"larger embeddings of the {TITLES[model]} model on {data.name}: takes two"
                " embedding sizes of the same rank",
            )
    for model in TITLES:
        for statistic in ("entropy", "coverage"):
            take(
                pair and more_varied_on_balanced(*pair, model, statistic),
                f"{statistic} of the {TITLES[model]} model's predictions: {both}",
            )
    for data in results:
        take(
            top_gains_depend_on_both(data),
            f"hashtags of the largest gains on {data.name}: takes hashtag_kinds, both models in one"
            f" embedding size, and {2 * TOP_TAGS} hashtags on at least {MIN_POSTS} posts",
        )
    return [finding for finding in found if finding is not None], untested


def _natural_and_balanced(
    results: Sequence[DatasetResults],
) -> tuple[DatasetResults, DatasetResults] | None:
    by_kind = {
        kind: [data for data in results if data.distribution == kind]
        for kind in ("natural", "balanced")
    }
    if any(len(found) != 1 for found in by_kind.values()):
        return None
    return by_kind["natural"][0], by_kind["balanced"][0]
