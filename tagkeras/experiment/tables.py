"""The table of the paper, of one dataset: what each row and cell is."""

import dataclasses

from tagkeras.experiment import paper
from tagkeras.experiment.dataset_results import DatasetResults, Metrics
from tagkeras.experiment.runs import Configuration

# As the paper writes them.
METHODS = {
    "frequency_baseline": "frequency baseline",
    "demographic_baseline": "demographic baseline",
    "neighbour_baseline": "neighbour baseline",
    "bilinear": "bilinear",
    "user_biased": "user-biased",
    "multiplicative": "3-way mult.",
    "oracle_image_only": "oracle: image alone",
    "oracle_user_only": "oracle: user alone",
    "oracle": "oracle: image and user",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """A metric of a row, all fractions.

    Attributes:
        value: the mean over seeds.
        low: end of its 95% interval.
        high: the other end.
        paper: what the paper reports; None for nothing.
    """

    value: float
    low: float
    high: float
    paper: float | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table.

    Attributes:
        method: such as `user-biased`.
        embedding_dim: d; None for baselines.
        rank: K; None for what has none.
        cells: by the name of the metric.
    """

    method: str
    embedding_dim: int | None
    rank: int | None
    cells: dict[str, Cell]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResultTable:
    """The table of a dataset.

    Attributes:
        caption: what it is of.
        metrics: columns, in order.
        rows: baselines, models, oracles.
        has_paper: whether the paper reports numbers of such a distribution.
    """

    caption: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    has_paper: bool


def make_table(results: DatasetResults) -> ResultTable:
    """The table of a dataset: baselines, models by size, and oracles, which know the world."""
    has_paper = results.distribution == paper.DISTRIBUTION
    metrics = results.shown_metrics

    def row(key: Configuration | str, values: Metrics) -> Row:
        name = key.model if isinstance(key, Configuration) else key
        return Row(
            method=METHODS.get(name, name.replace("_", " ")),
            embedding_dim=key.embedding_dim if isinstance(key, Configuration) else None,
            rank=(key.rank or None) if isinstance(key, Configuration) else None,
            cells={
                metric: Cell(
                    value=values[metric].value,
                    low=values[metric].interval[0],
                    high=values[metric].interval[1],
                    paper=paper.paper_values(key, metric) if has_paper else None,
                )
                for metric in metrics
            },
        )

    oracles = [name for name in METHODS if name.startswith("oracle")]
    baselines = [name for name in results.baselines if name not in oracles]
    order = list(METHODS)
    models = sorted(
        results.models, key=lambda key: (order.index(key.model), key.embedding_dim, key.rank)
    )
    rows = [
        *(row(name, results.baselines[name]) for name in baselines),
        *(row(key, results.models[key]) for key in models),
        *(row(name, results.baselines[name]) for name in oracles if name in results.baselines),
    ]
    seeds = len(results.seeds)
    caption = (
        f"{results.name}: {results.num_posts:,} posts of {results.num_users:,} users that were not"
        f" trained on, {results.distribution} distribution; models:"
        f" {f'means over {seeds} seeds' if seeds > 1 else 'one seed'}; 95% intervals over users"
        f"{' and seeds' if seeds > 1 else ''}"
    )
    return ResultTable(caption=caption, metrics=metrics, rows=tuple(rows), has_paper=has_paper)
