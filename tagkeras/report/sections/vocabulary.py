"""How frequent hashtags are, and which ones the model puts beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tagkeras.report.drawing import Estimate, Row, draw_rows
from tagkeras.report.formats import compact, slug
from tagkeras.report.inputs import Inputs
from tagkeras.report.runs import MULTIPLICATIVE, RunGroup
from tagkeras.report.sections.precision_recall import most_different_tags

# Rows of the table of neighbours, and neighbours in each.
_QUERIES, _NEIGHBOURS = 16, 6


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """A histogram, and the neighbours of some hashtags by the first run whose workdir is there."""
    manifest, tags = group.first.manifest, group.vocabulary.tags
    recorded = manifest.distribution.get("tags_by_training_posts", {}) if manifest else {}
    histograms = {name: list(numbers.values()) for name, numbers in recorded.items()}
    figure = draw_tag_frequency(histograms or {"natural": tag_histogram(group.vocabulary.counts)})
    preferred = (group.of_model(MULTIPLICATIVE), *group.shown)
    run = next((name for name in preferred if name and group.runs[name].workdir), None)
    neighbours = {}
    if run is not None:
        differing = most_different_tags(group.tag_tables)
        queries = list(dict.fromkeys([*inputs.config.tags, *differing, *tags]))[:_QUERIES]
        vectors = group.runs[run].restored.tag_table.numpy()
        neighbours = find_neighbours(vectors, tags, queries, k=_NEIGHBOURS)
    return {
        "figure": inputs.figures.add(figure, f"frequency-{slug(group.name)}"),
        "is_balanced": "balanced" in histograms,
        "run": run,
        "neighbours": neighbours,
    }


def find_neighbours(
    vectors: np.ndarray, tags: Sequence[str], queries: Sequence[str], *, k: int
) -> dict[str, list[tuple[str, float]]]:
    """Finds the k hashtags nearest to each query by cosine; ties go to the more frequent.

    A row of zeros, a hashtag that was never learned, is near to none and has no neighbours. The
    vectors are the rows of V, float [Y, d], of the tags, most frequent first. Gives hashtags and
    cosines in [-1, 1], nearest first; fewer than k where there are fewer hashtags.
    """
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    learned = np.flatnonzero(norms)
    units = vectors / np.where(norms > 0, norms, 1)
    found = {}
    for query in queries:
        row = tags.index(query)
        others = learned[learned != row] if row in learned else learned[:0]
        cosines = np.clip(units[others] @ units[row], -1, 1)
        nearest = np.argsort(-cosines, kind="stable")[:k]
        found[query] = [(tags[others[place]], float(cosines[place])) for place in nearest]
    return found


def tag_histogram(counts: np.ndarray) -> list[int]:
    """How many hashtags are on 0, 1, 2-3, 4-7, ... training posts, by int [Y] posts of each."""
    return np.bincount(np.frexp(counts)[1]).tolist()


def draw_tag_frequency(histograms: Mapping[str, Sequence[int]]) -> Figure:
    """Draws histograms, as `tag_histogram` counts, of `natural` and `balanced` training posts."""
    longest = max(map(len, histograms.values()))
    names = ["0", "1", *(f"{2**n:,}-{2 ** (n + 1) - 1:,}" for n in range(1, longest - 1))]
    bins = {
        name: [*numbers, *[0] * (longest - len(numbers))] for name, numbers in histograms.items()
    }
    rows = [
        Row(
            label,
            {name: Estimate(numbers[row]) for name, numbers in bins.items()},
            " / ".join(compact(sum(numbers[row:])) for numbers in bins.values()),
        )
        for row, label in enumerate(names)
        if row or any(numbers[0] for numbers in bins.values())
    ]
    return draw_rows(
        {"training posts": rows},
        title="How frequent hashtags are",
        x_label="hashtags on so many training posts",
        note="At the right: hashtags on at least so many.",
        is_fraction=False,
        bars=True,
    )
