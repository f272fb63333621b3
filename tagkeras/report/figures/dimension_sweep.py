"""A metric against the size of the embedding."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from tagkeras.report.figures.estimate import Estimate
from tagkeras.report.figures.head import legend_handles, set_head
from tagkeras.report.figures.looks import looks_of
from tagkeras.report.figures.marks import is_fraction, set_percent
from tagkeras.report.plotting import new_figure, styled


@styled
def draw_dimension_sweep(
    metric: str,
    datasets: Mapping[str, Mapping[str, Mapping[int, Estimate]]],
    *,
    title: str | None = None,
) -> Figure:
    """Draws a panel a dataset, a line a model: the metric against d.

    Args:
        metric: such as `R@10`.
        datasets: by dataset (`natural`, ...), name of the model, and d.
        title: of the figure.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not datasets or not all(m and all(m.values()) for m in datasets.values()):
        raise ValueError(f"there are no runs to draw {metric} of")
    looks = looks_of(name for of_names in datasets.values() for name in of_names)
    sizes = sorted(
        {d for of_names in datasets.values() for of_d in of_names.values() for d in of_d}
    )
    # Two panels beside each other, more of them in further rows.
    columns = min(2, len(datasets))
    num_rows = -(-len(datasets) // columns)
    figure = new_figure(2.7 * num_rows)
    grid = figure.subplots(num_rows, columns, squeeze=False)
    for axes in grid.flat[len(datasets) :]:
        axes.set_visible(False)
    for axes, (dataset, of_names) in zip(grid.flat, datasets.items(), strict=False):
        axes.set_title(dataset)
        for number, (name, of_d) in enumerate(of_names.items()):
            look = looks[name]
            # Side by side, so that whiskers do not cover each other: 3% of a doubling a model.
            shift = 2 ** (0.06 * (number - (len(of_names) - 1) / 2))
            points = sorted(of_d.items())
            xs = [d * shift for d, _ in points]
            for x, (_, estimate) in zip(xs, points, strict=True):
                axes.plot([x, x], estimate.ends, color=look.color, linewidth=2)
            values = [estimate.value for _, estimate in points]
            axes.plot(xs, values, linestyle=look.line, **look.marker_style)
        axes.set_xscale("log", base=2)
        axes.set_xlim(sizes[0] / 1.35, sizes[-1] * 1.35)
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0f}")
        axes.set_xlabel("embedding size d")
        if is_fraction(metric):
            set_percent(axes.yaxis)
    for axes in grid[:, 0]:
        axes.set_ylabel(metric if is_fraction(metric) else f"{metric} (bits)")
    set_head(
        figure,
        title or f"{metric} by embedding size",
        legend_handles(list(looks.values()), with_lines=True),
    )
    return figure
