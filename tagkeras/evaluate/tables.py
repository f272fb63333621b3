"""The content of `metrics.json` as tables on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from tagkeras.cli.console import number_table
from tagkeras.evaluate.evaluation import MODEL, WITHOUT_FACTS

# Shown of all metrics; the others are in the file.
_SYMBOLS = ("R", "A", "nDCG")


def print_tables(metrics: Mapping[str, Any]) -> None:
    """Prints a row for each way to rank, the groups of people, and the largest gap."""
    console = Console()
    console.print(_rankings_table(metrics))
    if metrics["groups"]:
        console.print(_groups_table(metrics))
    if gap := metrics["largest_gap"]:
        low, high = gap["interval"]
        console.print(
            f"largest gap between groups: {gap['attribute']}, {gap['high']} over {gap['low']},"
            f" {100 * gap['gap']:.1f} points of {gap['metric']}"
            f" (95% interval {100 * low:.1f} to {100 * high:.1f})",
            soft_wrap=True,
        )


def _rankings_table(metrics: Mapping[str, Any]) -> Table:
    """A row for each way to rank, the model last, and a row of the model's intervals."""
    names = _shown_metrics(metrics)
    rows = {name.replace("_", " "): metrics[name] for name in metrics["intervals"] if name != MODEL}
    rows[f"{metrics['model'].replace('_', '-')} model"] = metrics
    headings = [name.replace("entropy@", "bits@") for name in names]
    title = f"{metrics['num_posts']:,} posts of the {metrics['split']} split"
    table = number_table("ranked by", *headings, title=title)
    for label, row in rows.items():
        table.add_row(label, *(_format_metric(name, row[name]) for name in names))
    bounds = metrics["intervals"][MODEL]
    table.add_row("  95% interval", *(_format_interval(name, bounds[name]) for name in names))
    if alone := metrics.get(WITHOUT_FACTS):
        cells = (_format_metric(name, alone[name]) if name in alone else "" for name in names)
        table.add_row("  nothing told of the user", *cells)
    return table


def find_shortfalls(metrics: Mapping[str, Any]) -> list[str]:
    """A line for each baseline that a model should beat and does not, with the remedy."""
    lines = []
    for baseline in ("frequency_baseline", "neighbour_baseline"):
        others = metrics.get(baseline, {})
        behind = [
            f"{name} {_format_metric(name, metrics[name])} against"
            f" {_format_metric(name, others[name])}"
            for name in (f"P@{metrics['ks'][0]}", f"R@{metrics['ks'][-1]}")
            if others and metrics[name] < others[name]
        ]
        if behind:
            lines.append(
                f"the model is below the {baseline.replace('_', ' ')} ({', '.join(behind)}): train"
                " it for more --epochs, in a smaller --batch_size or at another --learning_rate"
            )
    return lines


def _groups_table(metrics: Mapping[str, Any]) -> Table:
    rows_of_any = next(iter(metrics["groups"].values()))
    names = [name for name in _shown_metrics(metrics) if name in rows_of_any[0]]
    columns = ("", "group", "posts", "users", *names)
    table = number_table(*columns, labels=2, title="the model by group")
    for attribute, rows in metrics["groups"].items():
        for place, row in enumerate(rows):
            is_last = place == len(rows) - 1
            numbers = (f"{row['posts']:,}", f"{row['users']:,}")
            cells = (_format_metric(name, row[name]) for name in names)
            title = "" if place else attribute
            table.add_row(title, row["group"], *numbers, *cells, end_section=is_last)
    return table


def _shown_metrics(metrics: Mapping[str, Any]) -> list[str]:
    """P at the smallest k, the others at the largest."""
    least, most = metrics["ks"][0], metrics["ks"][-1]
    return [f"P@{least}", *(f"{symbol}@{most}" for symbol in _SYMBOLS), f"entropy@{most}"]


def _format_metric(name: str, value: float) -> str:
    return f"{value:.2f}" if name.startswith("entropy") else f"{100 * value:.2f}%"


def _format_interval(name: str, bounds: tuple[float, float]) -> str:
    if name.startswith("entropy"):
        return "{:.2f}-{:.2f}".format(*bounds)
    return "{:.1f}-{:.1f}".format(*(100 * bound for bound in bounds))
