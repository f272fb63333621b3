"""Tables as Markdown, CSV and LaTeX."""

import csv
import io

from tagkeras.experiment.tables import Cell, ResultTable, Row

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def to_markdown(table: ResultTable) -> str:
    """A Markdown table: percentages with intervals, the paper's numbers in columns beside them."""
    heads = ["method", "d", "K", *table.metrics]
    if table.has_paper:
        heads += [f"paper {metric}" for metric in table.metrics]
    lines = [
        table.caption + ".",
        "",
        f"| {' | '.join(heads)} |",
        "|---|" + "---:|" * (len(heads) - 1),
    ]
    for row in table.rows:
        cells = [row.method, *_sizes(row)]
        cells += [_with_interval(row.cells[metric]) for metric in table.metrics]
        if table.has_paper:
            cells += [_paper(row.cells[metric], "%") for metric in table.metrics]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def to_csv(table: ResultTable) -> str:
    """A CSV table of fractions: for each metric the value, its interval and the paper's number."""
    parts = ("", " low", " high", *([" paper"] if table.has_paper else []))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ["method", "d", "K", *(f"{metric}{part}" for metric in table.metrics for part in parts)]
    )
    for row in table.rows:
        values: list[str] = []
        for metric in table.metrics:
            cell = row.cells[metric]
            values += [f"{value:.6f}" for value in (cell.value, cell.low, cell.high)]
            if table.has_paper:
                values.append("" if cell.paper is None else f"{cell.paper:g}")
        writer.writerow([row.method, *_sizes(row), *values])
    return file.getvalue()


def from_csv(text: str) -> tuple[Row, ...]:
    """Undoes `to_csv`: the rows, to six decimals.

    Raises:
        KeyError: it lacks a column.
        ValueError: a value is no number.
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
                    value=float(row[metric]),
                    low=float(row[f"{metric} low"]),
                    high=float(row[f"{metric} high"]),
                    paper=float(row[f"{metric} paper"]) if row.get(f"{metric} paper") else None,
                )
                for metric in metrics
            },
        )
        for row in reader
    )


def to_latex(table: ResultTable) -> str:
    r"""A LaTeX table, for the package booktabs; to be taken in by `\input`."""
    metrics = [escape_latex(metric) for metric in table.metrics]
    heads = ["method", "$d$", "$K$", *metrics]
    above = []
    if table.has_paper:
        heads += metrics
        size = len(metrics)
        above = [
            rf" & & & \multicolumn{{{size}}}{{c}}{{here}}"
            rf" & \multicolumn{{{size}}}{{c}}{{in the paper}} \\",
            rf"\cmidrule(lr){{4-{3 + size}}} \cmidrule(lr){{{4 + size}-{3 + 2 * size}}}",
        ]
    body = []
    for row in table.rows:
        cells = [escape_latex(row.method), *_sizes(row)]
        cells += [_with_small_interval(row.cells[metric]) for metric in table.metrics]
        if table.has_paper:
            cells += [_paper(row.cells[metric], r"\%") for metric in table.metrics]
        body.append(rf"{' & '.join(cells)} \\")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(table.caption)}.}}",
        rf"\begin{{tabular}}{{l{'r' * (len(heads) - 1)}}}",
        r"\toprule",
        *above,
        rf"{' & '.join(heads)} \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escape_latex(text: str) -> str:
    """Text as LaTeX prints it."""
    return "".join(_LATEX.get(mark, mark) for mark in text)


def _sizes(row: Row) -> list[str]:
    return ["" if size is None else str(size) for size in (row.embedding_dim, row.rank)]


def _with_interval(cell: Cell) -> str:
    return f"{100 * cell.value:.2f}% [{100 * cell.low:.2f}, {100 * cell.high:.2f}]"


def _with_small_interval(cell: Cell) -> str:
    interval = rf"{{\scriptsize [{100 * cell.low:.2f}, {100 * cell.high:.2f}]}}"
    return rf"{100 * cell.value:.2f}\% {interval}"


def _paper(cell: Cell, percent: str) -> str:
    return "" if cell.paper is None else f"{100 * cell.paper:.2f}{percent}"
