"""The summary of a SavedModel in lines for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from serving.inspect.saved_model_summary import Summary, TensorSummary


def describe(summary: Summary) -> Iterator[str]:
    """A SavedModel in lines for people."""
    yield f"{summary.path}: {_size(summary.num_bytes)}, written by TensorFlow {summary.tensorflow}"
    yield (
        f"  {len(summary.variables)} variables of {summary.num_parameters:,} numbers, "
        f"{_size(summary.variable_bytes)}"
    )
    for name, size in summary.assets.items():
        yield f"  asset {name}, {_size(size)}"
    yield f"  {summary.num_warmup_requests} warm-up requests"
    for batching in summary.graph_batching:
        settings = ", ".join(f"{name} {value}" for name, value in batching.items())
        yield f"  requests are put together in the graph: {settings}"
    if summary.other_ops:
        yield f"  ops that are not TensorFlow's own: {', '.join(summary.other_ops)}"
    yield "signatures"
    for name, signature in summary.signatures.items():
        yield f"  {name} ({signature.method_name or 'no method'})"
        yield from _tensor_lines("takes", signature.inputs)
        yield from _tensor_lines("gives", signature.outputs)
    if summary.provenance is None:
        yield "no provenance: tagkeras.export did not write it"
        return
    yield "provenance"
    for part, values in summary.provenance.items():
        yield f"  {part}: {_one_line(values)}"


def _tensor_lines(word: str, tensors: Sequence[TensorSummary]) -> Iterator[str]:
    width = max((len(tensor.name) for tensor in tensors), default=0)
    for tensor in tensors:
        shape = "any shape" if tensor.shape is None else _shape(tensor.shape)
        yield f"    {word} {tensor.name:<{width}}  {tensor.dtype} {shape}"


def _shape(shape: Sequence[int | None]) -> str:
    return f"[{', '.join('None' if size is None else str(size) for size in shape)}]"


def _one_line(values: Any) -> str:
    """What was set, in a line; --json has all."""
    if not isinstance(values, Mapping):
        return str(values)
    scalars = {
        name: value
        for name, value in values.items()
        if value is not None and not isinstance(value, dict | list)
    }
    return ", ".join(f"{name} {value}" for name, value in scalars.items())


def _size(num_bytes: int) -> str:
    if num_bytes < 1000:
        return f"{num_bytes} B"
    if num_bytes < 1e6:
        return f"{num_bytes / 1e3:.1f} kB"
    return f"{num_bytes / 1e6:,.1f} MB"
