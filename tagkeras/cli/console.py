"""Where commands print their tables, and how those of numbers look."""

from rich import box
from rich.console import Console
from rich.table import Table

# Wide enough for any line: a pipe has no width to fit into.
_PIPE_WIDTH = 10_000


def fitting(console: Console | None = None) -> Console:
    """The console, standard output by default; without colour and width if it is no terminal."""
    console = console or Console()
    if console.is_terminal:
        return console
    return Console(file=console.file, width=_PIPE_WIDTH, no_color=True)


def number_table(*columns: str, labels: int = 1, title: str | None = None) -> Table:
    """A table without rows, whose first columns are `labels` and whose others are numbers."""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for place, column in enumerate(columns):
        is_label = place < labels
        table.add_column(column, justify="left" if is_label else "right", no_wrap=is_label)
    return table
