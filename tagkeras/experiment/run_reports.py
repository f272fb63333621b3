"""What is said while runs are made: a line for each that ends, how many are left, how long yet."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

# Lines of the log that are shown of a run that failed.
_LAST_LINES = 10


class RunReports:
    """Lines on standard error, and a bar below them on a terminal.

    Args:
        total: runs of the experiment.
        finished: of them, how many are there already.
        parallel: runs at a time.
    """

    def __init__(self, total: int, finished: int, parallel: int) -> None:
        self._total = total
        self._ended = finished
        self._parallel = parallel
        self._seconds: list[float] = []
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[left]}"), console=self._console)
        self._task = self._bar.add_task("runs", total=total, completed=finished, left="")

    def __enter__(self) -> "RunReports":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._console.is_terminal:  # elsewhere it would end with an empty line
            self._bar.stop()

    def ended(self, name: str, seconds: float, what: str) -> None:
        """Says that a run ended well.

        Args:
            name: of the run.
            seconds: that it took.
            what: came of it.
        """
        self._say(f"{name}: {what}", seconds)

    def failed(self, name: str, seconds: float, log: Path, status: int) -> None:
        """Says that a run failed, and shows the end of its log."""
        self._say(f"{name} failed with exit status {status}, the end of {log}:", seconds)
        for line in last_lines(log):
            self._console.print(Text(f"  {line}"), soft_wrap=True)

    def _say(self, text: str, seconds: float) -> None:
        self._ended += 1
        self._seconds.append(seconds)
        left = self._left()
        counts = f"{self._ended} of {self._total} runs{f', {left}' if left else ''}"
        line = f"{text} ({seconds:.0f} s; {counts})"
        self._console.print(Text(line), soft_wrap=True)
        self._bar.update(self._task, completed=self._ended, left=left)

    def _left(self) -> str:
        """How long the runs that are left take, if each takes as long as those made did."""
        left = self._total - self._ended
        if not left:
            return ""
        mean = sum(self._seconds) / len(self._seconds)
        return f"about {describe_seconds(left * mean / min(left, self._parallel))} left"


def last_lines(log: Path) -> list[str]:
    """The end of a log."""
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]


def describe_seconds(seconds: float) -> str:
    """Such as `40 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
