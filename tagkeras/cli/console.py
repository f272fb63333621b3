"""Where commands print their tables."""

from rich.console import Console

# Wide enough for any line: a pipe has no width to fit into.
_PIPE_WIDTH = 10_000


def fitting(console: Console | None = None) -> Console:
    """The console, standard output by default; without colour and width if it is no terminal."""
    console = console or Console()
    if console.is_terminal:
        return console
    return Console(file=console.file, width=_PIPE_WIDTH, no_color=True)
