"""The paper's table of each dataset, as Markdown, CSV and LaTeX, and `results.csv`."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tagkeras.cli import files
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment import paper
from tagkeras.experiment.experiment_folder import RESULTS, TABLES
from tagkeras.experiment.results import DatasetResults, Metrics, interval
from tagkeras.experiment.runs import Configuration, Run

# As the paper writes them, in the order of the table's rows.
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
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


class Cell(NamedTuple):
    """A metric of a row: the mean over seeds, its 95% interval, the paper's number; fractions."""

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
        cells: by metric.
    """

    method: str
    embedding_dim: int | None
    rank: int | None
    cells: Mapping[str, Cell]

    @property
    def head(self) -> list[str]:
        """Method, d and K as text."""
        sizes = ["" if size is None else str(size) for size in (self.embedding_dim, self.rank)]
        return [self.method, *sizes]


def make_rows(data: DatasetResults) -> list[Row]:
    """The rows of a dataset: baselines, models by size, and oracles, which know the world."""

    def row(key: Configuration | str, values: Metrics) -> Row:
        name = key.model if isinstance(key, Configuration) else key
        has_paper = data.distribution == paper.DISTRIBUTION
        return Row(
            method=METHODS.get(name, name.replace("_", " ")),
            embedding_dim=key.embedding_dim if isinstance(key, Configuration) else None,
            rank=(key.rank or None) if isinstance(key, Configuration) else None,
            cells={
                metric: Cell(
                    float(values[metric][0]),
                    *interval(values[metric]),
                    paper.paper_values(key, metric) if has_paper else None,
                )
                for metric in data.shown_metrics
            },
        )

    order = list(METHODS)
    oracles = [name for name in order if name.startswith("oracle") and name in data.baselines]
    models = sorted(data.models, key=lambda m: (order.index(m.model), m.embedding_dim, m.rank))
    return [
        *(row(name, found) for name, found in data.baselines.items() if name not in oracles),
        *(row(model, data.models[model]) for model in models),
        *(row(name, data.baselines[name]) for name in oracles),
    ]


def make_caption(data: DatasetResults) -> str:
    """What the table is of."""
    seeds = len(data.seeds)
    return (
        f"{data.name}: {data.num_posts:,} posts of {data.num_users:,} users that were not trained"
        f" on, {data.distribution} distribution; models:"
        f" {f'means over {seeds} seeds' if seeds > 1 else 'one seed'}; 95% intervals over users"
        f"{' and seeds' if seeds > 1 else ''}"
    )


def to_markdown(caption: str, rows: Sequence[Row]) -> str:
    """Percentages with intervals; the paper's numbers in columns beside them."""
    metrics, of_paper = _columns(rows)
    heads = ["method", "d", "K", *metrics, *(f"paper {metric}" for metric in of_paper)]
    body = [[*row.head, *_numbers(row, of_paper, "{:.2f}%", "{}")] for row in rows]
    lines = [
        f"{caption}.",
        "",
        f"| {' | '.join(heads)} |",
        "|---|" + "---:|" * (len(heads) - 1),
        *(f"| {' | '.join(cells)} |" for cells in body),
    ]
    return "\n".join(lines) + "\n"


def to_latex(caption: str, rows: Sequence[Row]) -> str:
    r"""A table for the package booktabs, to be included by `\input`."""
    metrics, of_paper = _columns(rows)
    heads = ["method", "$d$", "$K$", *map(escape_latex, [*metrics, *of_paper])]
    size = len(metrics)
    above = [
        rf" & & & \multicolumn{{{size}}}{{c}}{{here}}"
        rf" & \multicolumn{{{size}}}{{c}}{{in the paper}} \\",
        rf"\cmidrule(lr){{4-{3 + size}}} \cmidrule(lr){{{4 + size}-{3 + 2 * size}}}",
    ]
    body = [
        [
            *map(escape_latex, row.head),
            *_numbers(row, of_paper, r"{:.2f}\%", r"{{\scriptsize {}}}"),
        ]
        for row in rows
    ]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(caption)}.}}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\toprule",
        *(above if of_paper else []),
        rf"{' & '.join(heads)} \\",
        r"\midrule",
        *(rf"{' & '.join(cells)} \\" for cells in body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_LATEX.get(mark, mark) for mark in text)


def to_csv(rows: Sequence[Row]) -> str:
    """Fractions: for each metric the value, its interval and the paper's number."""
    metrics, of_paper = _columns(rows)
    parts = ("", " low", " high", *([" paper"] if of_paper else []))
    heads = ["method", "d", "K", *(f"{metric}{part}" for metric in metrics for part in parts)]
    body = []
    for row in rows:
        numbers: list[str] = []
        for value, low, high, of_paper_value in row.cells.values():
            numbers += [f"{number:.6f}" for number in (value, low, high)]
            if of_paper:
                numbers.append("" if of_paper_value is None else f"{of_paper_value:g}")
        body.append([*row.head, *numbers])
    return _csv([heads, *body])


def from_csv(text: str) -> tuple[Row, ...]:
    """The rows of `to_csv`, to six decimals.

    Raises:
        KeyError: a column is missing.
        ValueError: a value is not a number.
    """
    reader = csv.DictReader(io.StringIO(text))
    columns = reader.fieldnames or ()
    metrics = [name for name in columns if f"{name} low" in columns]
    return tuple(
        Row(
            method=row["method"],
            embedding_dim=int(row["d"]) if row["d"] else None,
            rank=int(row["K"]) if row["K"] else None,
            cells={
                metric: Cell(
                    *(float(row[f"{metric}{part}"]) for part in ("", " low", " high")),
                    float(row[f"{metric} paper"]) if row.get(f"{metric} paper") else None,
                )
                for metric in metrics
            },
        )
        for row in reader
    )


def write_tables(folder: Path, results: Sequence[DatasetResults]) -> dict[str, str]:
    """Writes `tables/DATASET.md`, `.csv` and `.tex`.

    Returns:
        The Markdown of each dataset.
    """
    markdown = {}
    with files.folder_written_aside(folder / TABLES) as aside:
        for data in results:
            caption, rows = make_caption(data), make_rows(data)
            markdown[data.name] = to_markdown(caption, rows)
            (aside / f"{data.name}.md").write_text(markdown[data.name], encoding="utf-8")
            (aside / f"{data.name}.csv").write_text(to_csv(rows), encoding="utf-8")
            (aside / f"{data.name}.tex").write_text(to_latex(caption, rows), encoding="utf-8")
    return markdown


def write_results(folder: Path, runs: Sequence[Run]) -> None:
    """Writes `results.csv`: a line for each metric of each run, and of each baseline.

    `low` and `high` are the ends of the run's own interval, over users.
    """
    sizes = ["embedding_dim", "rank", "seed"]
    lines: list[list[object]] = [["dataset", "ranked_by", *sizes, "metric", "value", "low", "high"]]
    seen = set()
    for run in runs:
        metrics = Evaluation.load(folder / run.evaluation).metrics
        size = run.configuration
        for ranking, intervals in metrics["intervals"].items():
            if (run.dataset, ranking) in seen:  # a baseline
                continue
            head, values = [run.dataset, ranking, "", "", ""], metrics.get(ranking)
            if ranking == MODEL:
                head = [run.dataset, size.model, size.embedding_dim, size.rank or "", run.seed]
                values = metrics
            else:
                seen.add((run.dataset, ranking))
            for name, (low, high) in intervals.items():
                lines.append([*head, name, *(f"{x:.6f}" for x in (values[name], low, high))])
    files.write_text(folder / RESULTS, _csv(lines))


def _columns(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """The metrics, and again those beside which the paper's numbers stand: all or none."""
    metrics = list(rows[0].cells)
    has_paper = any(cell.paper is not None for row in rows for cell in row.cells.values())
    return metrics, metrics if has_paper else []


def _numbers(row: Row, of_paper: Sequence[str], percent: str, small: str) -> list[str]:
    """A row's values with intervals, then the paper's numbers, as texts of these formats."""
    return [
        *(
            f"{percent.format(100 * cell.value)}"
            f" {small.format(f'[{100 * cell.low:.2f}, {100 * cell.high:.2f}]')}"
            for cell in row.cells.values()
        ),
        *("" if (p := row.cells[m].paper) is None else percent.format(100 * p) for m in of_paper),
    ]


def _csv(lines: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue()
