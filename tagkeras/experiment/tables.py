"""The paper's table of each dataset, as Markdown, CSV and LaTeX, and `results.csv`."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tagkeras.cli import files
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment import paper
from tagkeras.experiment.experiment_folder import RESULTS, TABLES
from tagkeras.experiment.resampling import Metrics, interval
from tagkeras.experiment.results import DatasetResults
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


class Cell(NamedTuple):
    """A metric of a row: the mean over seeds, its 95% interval, the paper's number; fractions."""

    value: float
    low: float
    high: float
    paper: float | None


# The cells of each row by metric; a row is a configuration, or a baseline by its name.
Table = Mapping[Configuration | str, Mapping[str, Cell]]


def make_table(data: DatasetResults) -> Table:
    """The table of a dataset: baselines, models by size, and oracles, which know the world."""
    order = list(METHODS)
    oracles = [name for name in order if name.startswith("oracle") and name in data.baselines]
    baselines = [name for name in data.baselines if name not in oracles]
    models = sorted(data.models, key=lambda m: (order.index(m.model), m.embedding_dim, m.rank))
    has_paper = data.distribution == paper.DISTRIBUTION

    def cells(row: Configuration | str, metrics: Metrics) -> dict[str, Cell]:
        return {
            metric: Cell(
                float(metrics[metric][0]),
                *interval(metrics[metric]),
                paper.paper_values(row, metric) if has_paper else None,
            )
            for metric in data.shown_metrics
        }

    return {
        **{name: cells(name, data.baselines[name]) for name in baselines},
        **{size: cells(size, data.models[size]) for size in models},
        **{name: cells(name, data.baselines[name]) for name in oracles},
    }


def make_caption(data: DatasetResults) -> str:
    """What the table is of."""
    seeds = len(data.seeds)
    return (
        f"{data.name}: {data.num_posts:,} posts of {data.num_users:,} users that were not trained"
        f" on, {data.distribution} distribution; models:"
        f" {f'means over {seeds} seeds' if seeds > 1 else 'one seed'}; 95% intervals over users"
        f"{' and seeds' if seeds > 1 else ''}"
    )


def to_markdown(caption: str, table: Table) -> str:
    """Percentages with intervals; the paper's numbers in columns beside them."""
    metrics, of_paper = _columns(table)
    heads = ["method", "d", "K", *metrics, *(f"paper {metric}" for metric in of_paper)]
    lines = [
        f"{caption}.",
        "",
        f"| {' | '.join(heads)} |",
        "|---|" + "---:|" * (len(heads) - 1),
        *(f"| {' | '.join(texts)} |" for texts in _texts(table, "{:.2f}%", "{}")),
    ]
    return "\n".join(lines) + "\n"


def to_latex(caption: str, table: Table) -> str:
    r"""A table for the package booktabs, to be included by `\input`."""
    metrics, of_paper = _columns(table)
    heads, size = ["method", "$d$", "$K$", *metrics, *of_paper], len(metrics)
    above = [
        rf" & & & \multicolumn{{{size}}}{{c}}{{here}}"
        rf" & \multicolumn{{{size}}}{{c}}{{in the paper}} \\",
        rf"\cmidrule(lr){{4-{3 + size}}} \cmidrule(lr){{{4 + size}-{3 + 2 * size}}}",
    ]
    body = _texts(table, r"{:.2f}\%", r"{{\scriptsize {}}}")
    # Names of datasets have no other special characters.
    caption = caption.replace("_", r"\_").replace("%", r"\%")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}.}}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\toprule",
        *(above if of_paper else []),
        rf"{' & '.join(heads)} \\",
        r"\midrule",
        *(rf"{' & '.join(texts)} \\" for texts in body),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def to_csv(table: Table) -> str:
    """Fractions: for each metric the value, its interval and the paper's number."""
    metrics, of_paper = _columns(table)
    parts = ("", " low", " high", *([" paper"] if of_paper else []))
    lines = [["method", "d", "K", *(f"{metric}{part}" for metric in metrics for part in parts)]]
    for row, cells in table.items():
        line = _head(row)
        for cell in cells.values():
            line += [f"{number:.6f}" for number in cell[:3]]
            line += ["" if cell.paper is None else f"{cell.paper:g}"] if of_paper else []
        lines.append(line)
    return _csv(lines)


def write_tables(folder: Path, results: Sequence[DatasetResults]) -> dict[str, str]:
    """Writes `tables/DATASET.md`, `.csv` and `.tex`; returns the Markdown by dataset."""
    markdown = {}
    with files.folder_written_aside(folder / TABLES) as aside:
        for data in results:
            caption, table = make_caption(data), make_table(data)
            markdown[data.name] = to_markdown(caption, table)
            (aside / f"{data.name}.md").write_text(markdown[data.name], encoding="utf-8")
            (aside / f"{data.name}.csv").write_text(to_csv(table), encoding="utf-8")
            (aside / f"{data.name}.tex").write_text(to_latex(caption, table), encoding="utf-8")
    return markdown


def write_results(folder: Path, runs: Sequence[Run]) -> None:
    """Writes `results.csv`: a line for each metric of each run, and of each baseline.

    `low` and `high` are the ends of the run's own interval, over users.
    """
    heads = "dataset ranked_by embedding_dim rank seed metric value low high"
    lines: dict[tuple[object, ...], list[object]] = {}
    for run in runs:
        metrics, size = Evaluation.load(folder / run.evaluation).metrics, run.configuration
        for ranking, intervals in metrics["intervals"].items():
            head: tuple[object, ...] = (run.dataset, ranking, "", "", "")
            if is_model := ranking == MODEL:
                sizes = size.embedding_dim, size.rank or "", run.seed
                head = (run.dataset, size.model, *sizes)
            values = metrics if is_model else metrics[ranking]
            for name, bounds in intervals.items():
                numbers = [f"{number:.6f}" for number in (values[name], *bounds)]
                lines.setdefault((*head, name), [*head, name, *numbers])
    files.write_text(folder / RESULTS, _csv([heads.split(), *lines.values()]))


def _columns(table: Table) -> tuple[list[str], list[str]]:
    """The metrics, and again those beside which the paper's numbers stand: all or none."""
    metrics = list(next(iter(table.values())))
    has_paper = any(cell.paper is not None for cells in table.values() for cell in cells.values())
    return metrics, metrics if has_paper else []


def _head(row: Configuration | str) -> list[str]:
    """Method, d and K as they are printed."""
    if isinstance(row, str):
        return [METHODS.get(row, row.replace("_", " ")), "", ""]
    return [METHODS[row.model], str(row.embedding_dim), str(row.rank or "")]


def _texts(table: Table, percent: str, small: str) -> Iterator[list[str]]:
    """Rows as they are printed, with these formats for numbers and for intervals."""
    _, of_paper = _columns(table)
    for row, cells in table.items():
        texts = _head(row)
        for value, low, high, _ in cells.values():
            bounds = small.format(f"[{100 * low:.2f}, {100 * high:.2f}]")
            texts.append(f"{percent.format(100 * value)} {bounds}")
        for metric in of_paper:
            number = cells[metric].paper
            texts.append("" if number is None else percent.format(100 * number))
        yield texts


def _csv(lines: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue()
