"""How varied predictions are."""

import textwrap
from collections.abc import Mapping

from matplotlib.figure import Figure

from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.head import set_head
from tagkeras.report.figures.looks import looks_of
from tagkeras.report.figures.marks import draw_bar, set_rows, start_at_zero, write_beside
from tagkeras.report.plotting import new_figure, styled


@styled
def draw_prediction_entropy(
    datasets: Mapping[str, Mapping[str, Estimate]],
    *,
    k: int = 10,
    title: str = "Variety of predictions",
) -> Figure:
    """Draws a panel a dataset, a bar a model: the entropy of the hashtags in all top k.

    Args:
        datasets: by dataset (`natural`, ...) and name of the model, in bits.
        k: predictions of a post that count.
        title: of the figure.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not datasets or not all(datasets.values()):
        raise ValueError("there are no entropies to draw")
    looks = looks_of(name for of_names in datasets.values() for name in of_names)
    labels = {name: textwrap.fill(look.label, 22) for name, look in looks.items()}
    row_height = 0.1 + 0.18 * max(1 + label.count("\n") for label in labels.values())
    heights = [row_height * len(of_names) for of_names in datasets.values()]
    figure = new_figure(sum(heights) + 0.4 * len(datasets) + 0.45)
    panels = figure.subplots(len(datasets), squeeze=False, sharex=True, height_ratios=heights)
    for axes, (dataset, of_names) in zip(panels.flat, datasets.items(), strict=True):
        axes.set_title(dataset)
        for row, (name, estimate) in enumerate(of_names.items()):
            draw_bar(axes, row, estimate.value, looks[name], 0.5)
            axes.plot(list(estimate.ends), [row, row], color=looks[name].color, linewidth=2.2)
            write_beside(axes, row, f"{estimate.value:.2f}")
        set_rows(axes, [labels[name] for name in of_names])
    start_at_zero(panels.flat)
    panels.flat[-1].set_xlabel(f"entropy of the hashtags in the top {k} (bits)")
    set_head(figure, title)
    return figure
