"""How frequent hashtags are, and which ones the model puts beside each other."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from tagkeras.report.drawing import WIDTH, set_head
from tagkeras.report.formats import compact, slug
from tagkeras.report.inputs import Inputs
from tagkeras.report.runs import MULTIPLICATIVE, RunGroup
from tagkeras.report.sections.precision_recall import most_different_tags
from tagkeras.report.style import BLUE, PURPLE, VERMILION, figure_style

# Rows of the table of neighbours, and neighbours in each.
_QUERIES, _NEIGHBOURS = 16, 6
_STYLES: dict[str, dict[str, Any]] = {
    "natural": {"color": BLUE, "linestyle": "-", "marker": "o"},
    "balanced": {"color": VERMILION, "linestyle": (0, (4, 1.4)), "marker": "s"},
}
_OTHER_STYLE: dict[str, Any] = {"color": PURPLE, "linestyle": ":", "marker": "D"}


def build(inputs: Inputs, group: RunGroup) -> dict[str, Any]:
    """A histogram, and the neighbours of some hashtags by the first run whose workdir is there."""
    manifest, tags = group.first.manifest, group.vocabulary.tags
    histograms = manifest.distribution.get("tags_by_training_posts") if manifest else None
    histograms = histograms or {"natural": tag_histogram(group.vocabulary.counts)}
    figure = draw_tag_frequency(histograms)
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

    A row of zeros, a hashtag that was never learned, is near to none and has no neighbours.

    Args:
        vectors: float [Y, d], the hashtags' rows of V.
        tags: the Y hashtags, most frequent first.
        queries: hashtags among them.
        k: neighbours of each; fewer where there are fewer hashtags.

    Returns:
        For each query, hashtags and cosines in [-1, 1], nearest first.
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


def tag_histogram(counts: np.ndarray) -> dict[str, int]:
    """How many hashtags are on so many posts, in the bins of a balanced dataset's manifest.

    Args:
        counts: int [Y], training posts of each hashtag.

    Returns:
        By `0`, `1`, `2-3`, `4-7` and so on.
    """
    histogram = {"0": int((counts == 0).sum())}
    low = 1
    while low <= counts.max(initial=1):
        high = 2 * low - 1
        name = f"{low}-{high}" if low < high else str(low)
        histogram[name] = int(((counts >= low) & (counts <= high)).sum())
        low *= 2
    return histogram


@figure_style()
def draw_tag_frequency(histograms: Mapping[str, Mapping[str, int]]) -> Figure:
    """Draws how many hashtags are on so many training posts, and how many on at least so many.

    Args:
        histograms: by `natural` and `balanced`, those of `tag_histogram` or of a manifest.
    """
    figure = Figure((WIDTH, 4.6))
    top, bottom = figure.subplots(2)
    legend, highest = [], 1
    for name, histogram in histograms.items():
        style = _STYLES.get(name, _OTHER_STYLE)
        counts = np.array([number for bin_name, number in histogram.items() if bin_name != "0"])
        edges = 2 ** np.arange(len(counts) + 1)
        highest = max(highest, int(edges[-1]))
        line = {"color": style["color"], "linestyle": style["linestyle"]}
        top.stairs(counts, edges, linewidth=2.2, baseline=0, **line)
        if not legend:
            top.stairs(counts, edges, fill=True, color=style["color"], alpha=0.3)
        at_least = counts[::-1].cumsum()[::-1]
        is_any = at_least > 0
        bottom.plot(edges[:-1][is_any], at_least[is_any], markersize=5, **style)
        unused = f" ({compact(histogram['0'])} on none)" if histogram.get("0") else ""
        legend.append(Line2D([], [], markersize=5, label=name + unused, **style))
    decades = [10**power for power in range(len(str(highest)))]
    places = decades if len(decades) > 2 else [2**power for power in range(highest.bit_length())]
    for axes in (top, bottom):
        axes.set_xscale("log", base=2)
        axes.set_xlim(1, highest)
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylabel("hashtags")
    top.set_title("how many hashtags are on so many posts")
    top.set_ylim(bottom=0)
    bottom.set_title("how many are on at least so many")
    bottom.set_yscale("log")
    bottom.yaxis.set_major_locator(LogLocator(10, numticks=6))
    bottom.yaxis.set_minor_locator(NullLocator())
    bottom.set_xlabel("training posts of a hashtag (steps double)")
    for axis in (top.xaxis, top.yaxis, bottom.xaxis, bottom.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    set_head(figure, "How frequent hashtags are", legend if len(legend) > 1 else ())
    return figure
