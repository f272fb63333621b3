"""The paper's table of each dataset, as Markdown, CSV and LaTeX, and `results.csv`."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np

from tagkeras.cli import files
from tagkeras.evaluate.evaluation import MODEL, Evaluation
from tagkeras.experiment.results import DatasetResults, interval
from tagkeras.experiment.spec import Configuration, Run

RESULTS, TABLES = "results.csv", "tables"
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
_LATEX = Template(r"""\begin{table}
\centering
\caption{$caption.}
\begin{tabular}{l$columns}
\toprule
$rows
\bottomrule
\end{tabular}
\end{table}
""")


def _read_paper() -> dict[Configuration, dict[str, float]]:
    text = resources.files(__package__).joinpath("paper.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {
        Configuration(row.pop("model"), int(row.pop("d") or 0), int(row.pop("K") or 0)): {
            metric: round(float(percent) / 100, 4) for metric, percent in row.items()
        }
        for row in rows
    }


# What the paper reports for the natural distribution, fractions.
PAPER = _read_paper()


class Table(NamedTuple):
    """The table of a dataset, in three formats; numbers are fractions.

    `rows` are float [M, 4]: means over seeds, the two ends of their 95% intervals, and the paper's
    numbers, or NaN.
    """

    caption: str
    metrics: list[str]
    rows: Mapping[Configuration, np.ndarray]

    @property
    def has_paper(self) -> bool:
        """Whether the paper reports any of the numbers."""
        return not all(np.isnan(cells[:, 3]).all() for cells in self.rows.values())

    def markdown(self) -> str:
        """Percentages with intervals; the paper's numbers in columns beside them."""
        of_paper = [f"paper {metric}" for metric in self.metrics] if self.has_paper else []
        heads = ["method", "d", "K", *self.metrics, *of_paper]
        body = self._texts("{:.2f}%", "{}")
        lines = [f"| {' | '.join(texts)} |\n" for texts in (heads, *body)]
        lines.insert(1, "|---|" + "---:|" * (len(heads) - 1) + "\n")
        return f"{self.caption}.\n\n{''.join(lines)}"

    def latex(self) -> str:
        r"""A table for the package booktabs, to be included by `\input`."""
        size = len(self.metrics)
        heads = ["method", "$d$", "$K$", *self.metrics * (1 + self.has_paper)]
        above = [
            rf" & & & \multicolumn{{{size}}}{{c}}{{here}}"
            rf" & \multicolumn{{{size}}}{{c}}{{in the paper}} \\",
            rf"\cmidrule(lr){{4-{3 + size}}} \cmidrule(lr){{{4 + size}-{3 + 2 * size}}}",
        ]
        body = self._texts(r"{:.2f}\%", r"{{\scriptsize {}}}")
        head, *rows = (rf"{' & '.join(texts)} \\" for texts in (heads, *body))
        return _LATEX.substitute(
            # Names of datasets have no other special characters.
            caption=self.caption.replace("_", r"\_").replace("%", r"\%"),
            columns="r" * (len(heads) - 1),
            rows="\n".join([*(above if self.has_paper else []), head, r"\midrule", *rows]),
        )

    def csv(self) -> str:
        """Fractions: for each metric the value, its interval and the paper's number."""
        parts = ("", " low", " high", " paper")[: 3 + self.has_paper]
        heads = [f"{metric}{part}" for metric in self.metrics for part in parts]
        lines = [["method", "d", "K", *heads]]
        for row, cells in self.rows.items():
            line = _head(row)
            for *numbers, paper in cells:
                line += [f"{number:.6f}" for number in numbers]
                line += ["" if np.isnan(paper) else f"{paper:g}"] if self.has_paper else []
            lines.append(line)
        return _csv(lines)

    def _texts(self, percent: str, small: str) -> Iterator[list[str]]:
        """Rows as they are printed, with these formats for numbers and for intervals."""
        for row, cells in self.rows.items():
            texts = _head(row)
            for value, low, high, _ in 100 * cells:
                texts.append(f"{percent.format(value)} {small.format(f'[{low:.2f}, {high:.2f}]')}")
            for paper in 100 * cells[:, 3] if self.has_paper else ():
                texts.append("" if np.isnan(paper) else percent.format(paper))
            yield texts


def make_table(data: DatasetResults) -> Table:
    """The table of a dataset: baselines, models by size, and oracles, which know the world."""
    order = list(METHODS)
    metrics = sorted(data.shown_metrics, key=lambda metric: "PRA".index(metric[0]))
    found = {**data.models, **{Configuration(n): data.baselines[n] for n in data.baselines}}
    rows = {}
    for row in sorted(found, key=lambda row: (order.index(row.model), *row[1:])):
        paper = PAPER.get(row, {}) if data.distribution == "natural" else {}
        rows[row] = np.array(
            [[found[row][m][0], *interval(found[row][m]), paper.get(m, np.nan)] for m in metrics]
        )
    seeds, over = f"means over {len(data.seeds)} seeds", "users and seeds"
    if len(data.seeds) == 1:
        seeds, over = "one seed", "users"
    caption = (
        f"{data.name}: {data.num_posts:,} posts of {data.num_users:,} users that were not trained"
        f" on, {data.distribution} distribution; models: {seeds}; 95% intervals over {over}"
    )
    return Table(caption, metrics, rows)


def write_tables(folder: Path, results: Sequence[DatasetResults]) -> dict[str, str]:
    """Writes `tables/DATASET.md`, `.csv` and `.tex`; returns the Markdown by dataset."""
    markdown = {}
    with files.folder_written_aside(folder / TABLES) as aside:
        for data in results:
            table = make_table(data)
            texts = {"md": table.markdown(), "csv": table.csv(), "tex": table.latex()}
            markdown[data.name] = texts["md"]
            for suffix, text in texts.items():
                (aside / f"{data.name}.{suffix}").write_text(text, encoding="utf-8")
    return markdown


def write_results(folder: Path, runs: Sequence[Run]) -> None:
    """Writes `results.csv`: a line for each metric of each run, and of each baseline.

    `low` and `high` are the ends of the run's own interval, over users.
    """
    heads = "dataset ranked_by embedding_dim rank seed metric value low high"
    lines: dict[tuple[object, ...], list[object]] = {}
    for run in runs:
        metrics = Evaluation.load(folder / run.evaluation).metrics
        model, dim, rank = run.configuration
        for ranking, intervals in metrics["intervals"].items():
            is_model = ranking == MODEL
            head = (model, dim, rank or "", run.seed) if is_model else (ranking, "", "", "")
            values = metrics if is_model else metrics[ranking]
            for name, bounds in intervals.items():
                key = (run.dataset, *head, name)
                numbers = [f"{number:.6f}" for number in (values[name], *bounds)]
                lines.setdefault(key, [*key, *numbers])  # a baseline's come once
    files.write_text(folder / RESULTS, _csv([heads.split(), *lines.values()]))


def _head(row: Configuration) -> list[str]:
    """Method, d and K as they are printed."""
    return [METHODS[row.model], str(row.embedding_dim or ""), str(row.rank or "")]


def _csv(lines: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(lines)
    return file.getvalue()
