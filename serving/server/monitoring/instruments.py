"""Counters and histograms as TensorFlow counts them and as TensorFlow Serving prints them.

The classes of `prometheus_client` do not fit: they append `_total` and `_created`, and put a value
that equals a bucket's limit into that bucket, where TensorFlow puts it into the next.
"""

import abc
import bisect
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

Labels = tuple[str, ...]
Cell = TypeVar("Cell")


def exponential(scale: float, growth: float, count: int) -> list[float]:
    """`count` limits of buckets, from `scale` on, each `growth` times the one before."""
    limits = []
    for _ in range(count):
        limits.append(float(scale))
        scale *= growth
    return limits


class Instrument(abc.ABC, Generic[Cell]):
    """A metric with a value for each combination of its labels. Thread-safe.

    Args:
        path: its name in TensorFlow, such as `/tensorflow/serving/request_count`.
        labels: their names.
    """

    kind: str

    def __init__(self, path: str, *labels: str) -> None:
        self.name = re.sub(r"\W", ":", path, flags=re.ASCII)
        self._labels = labels
        self._cells: dict[Labels, Cell] = {}
        self._lock = threading.Lock()

    def lines(self) -> list[str]:
        """The metric in the text format of Prometheus; without values, only its type."""
        lines = [f"# TYPE {self.name} {self.kind}"]
        with self._lock:
            for values, cell in sorted(self._cells.items(), key=lambda item: item[0]):
                pairs = [
                    f'{label}="{_escaped(value)}"'
                    for label, value in zip(self._labels, values, strict=True)
                ]
                lines += self._cell_lines(pairs, cell)
        return lines

    @abc.abstractmethod
    def _cell_lines(self, labels: Sequence[str], cell: Cell) -> Iterator[str]: ...


class Counter(Instrument[int]):
    """Counts up."""

    kind = "counter"

    def add(self, *labels: str, amount: int = 1) -> None:
        """Counts `amount` for one combination of labels."""
        with self._lock:
            self._cells[labels] = self._cells.get(labels, 0) + amount

    def _cell_lines(self, labels: Sequence[str], cell: int) -> Iterator[str]:
        yield f"{self.name}{{{','.join(labels)}}} {cell}"


class _Counts:
    def __init__(self, buckets: int) -> None:
        self.buckets = [0] * buckets
        self.sum = 0.0


class Histogram(Instrument[_Counts]):
    """Counts values by their size.

    Args:
        path: its name in TensorFlow.
        labels: their names.
        limits: of the buckets, each of which ends below its limit; the last one has none.
    """

    kind = "histogram"

    def __init__(self, path: str, *labels: str, limits: Sequence[float]) -> None:
        super().__init__(path, *labels)
        self._limits = limits

    def record(self, *labels: str, value: float) -> None:
        """Counts a value for one combination of labels."""
        bucket = bisect.bisect_right(self._limits, value)
        with self._lock:
            counts = self._cells.get(labels)
            if counts is None:
                counts = self._cells[labels] = _Counts(len(self._limits) + 1)
            counts.buckets[bucket] += 1
            counts.sum += value

    def _cell_lines(self, labels: Sequence[str], cell: _Counts) -> Iterator[str]:
        total = 0
        for count, limit in zip(cell.buckets, [*self._limits, float("inf")], strict=True):
            total += count
            end = "+Inf" if limit == float("inf") else f"{limit:g}"
            pairs = ",".join([*labels, f'le="{end}"'])
            yield f"{self.name}_bucket{{{pairs}}} {total}"
        yield f"{self.name}_sum{{{','.join(labels)}}} {cell.sum:g}"
        yield f"{self.name}_count{{{','.join(labels)}}} {total}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
