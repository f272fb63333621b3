"""How much of a time the kernels of a GPU take, from TensorFlow's profiler."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf


def share_outside_kernels(function: Callable[[], Any]) -> float | None:
    """The share of the time from the first kernel of `function` to its last in which none runs.

    Returns:
        In [0, 1]; None where no GPU was at work.
    """
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        function()
        tf.profiler.experimental.stop()
        paths = list(Path(folder).rglob("*.xplane.pb"))
        spans = [span for path in paths for span in _kernel_spans(path.read_bytes())]
    if not spans:
        return None
    busy, end = 0, 0
    for start, stop in sorted(spans):
        busy += max(0, stop - max(start, end))
        end = max(end, stop)
    return round(1 - busy / (end - min(spans)[0]), 4)


def _kernel_spans(profile: bytes) -> list[tuple[int, int]]:
    """Start and end of everything that ran on a stream of a GPU, in picoseconds."""
    # Where the profiler's own format is to be had; it is no part of TensorFlow's interface.
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace.FromString(profile)
    spans = []
    for plane in space.planes:
        if not plane.name.startswith("/device:GPU"):
            continue
        for line in plane.lines:
            if not line.name.startswith("Stream"):
                continue
            origin = 1000 * line.timestamp_ns
            for event in line.events:
                start = origin + event.offset_ps
                spans.append((start, start + event.duration_ps))
    return spans
