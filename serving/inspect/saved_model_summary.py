"""What a SavedModel says of itself, without loading it into a session."""

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import graph_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2
from tensorflow.python.framework import op_def_registry

from serving.server.inference.servable import all_nodes, all_ops
from serving.server.inference.warmup import REQUESTS_FILE
from tagkeras.cli.errors import UserError

_PROVENANCE = "assets.extra/tagkeras.json"
_BUFFER_BYTES = 2**18
_BOOKKEEPING = "_CHECKPOINTABLE_OBJECT_GRAPH"


@dataclasses.dataclass(frozen=True)
class TensorSummary:
    """An input or output: a shape of None is any rank, a dimension of None any size.

    `default` is what an input is without a value, in JSON; "" if it must have one.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    default: str = ""

    def __str__(self) -> str:
        shape = "any shape" if self.shape is None else f"[{', '.join(map(str, self.shape))}]"
        return f"{self.dtype} {shape}" + (f", by default {self.default}" if self.default else "")


@dataclasses.dataclass(frozen=True)
class SignatureSummary:
    """A signature; `method_name` is such as `tensorflow/serving/predict`."""

    method_name: str
    inputs: tuple[TensorSummary, ...]
    outputs: tuple[TensorSummary, ...]


@dataclasses.dataclass(frozen=True)
class Summary:
    """A SavedModel.

    Attributes:
        path: its folder.
        tensorflow: version of the TensorFlow that wrote it.
        signatures: by name.
        num_bytes: of all files.
        variables: shapes by name.
        num_parameters: elements of all variables.
        variable_bytes: of all variables.
        assets: sizes of the files in `assets/` in bytes, by name.
        other_ops: ops that are not TensorFlow's own; a server needs them linked in.
        graph_batching: attributes of each kind of batching in the graph.
        num_warmup_requests: replayed before it serves.
        provenance: what `tagkeras.export` wrote of dataset and flags; None for other models.
    """

    path: str
    tensorflow: str
    signatures: dict[str, SignatureSummary]
    num_bytes: int
    variables: dict[str, tuple[int, ...]]
    num_parameters: int
    variable_bytes: int
    assets: dict[str, int]
    other_ops: tuple[str, ...]
    graph_batching: tuple[dict[str, int], ...]
    num_warmup_requests: int
    provenance: dict[str, Any] | None


def summarize(path: str | Path) -> Summary:
    """Reads a SavedModel's files; `UserError` if there is none for serving, or it is damaged."""
    path = Path(path)
    meta_graph = _meta_graph(path)
    shapes, sizes = _variables(path)
    assets = path / "assets"
    return Summary(
        path=str(path),
        tensorflow=meta_graph.meta_info_def.tensorflow_version,
        signatures={
            name: SignatureSummary(
                signature.method_name,
                _tensors(signature.inputs, signature.defaults),
                _tensors(signature.outputs, {}),
            )
            for name, signature in sorted(meta_graph.signature_def.items())
            if not name.startswith("__saved_model")
        },
        num_bytes=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        variables=shapes,
        num_parameters=sum(math.prod(shape) for shape in shapes.values()),
        variable_bytes=sum(sizes.values()),
        assets={file.name: file.stat().st_size for file in sorted(assets.glob("*"))},
        other_ops=tuple(
            sorted(op for op in all_ops(meta_graph.graph_def) if not op_def_registry.get(op))
        ),
        graph_batching=_graph_batching(meta_graph.graph_def),
        num_warmup_requests=_count_records(path / REQUESTS_FILE),
        provenance=_provenance(path / _PROVENANCE),
    )


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


def _meta_graph(path: Path) -> meta_graph_pb2.MetaGraphDef:
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString((path / "saved_model.pb").read_bytes())
    except OSError as error:
        versions = sorted(int(each.name) for each in path.glob("*") if each.name.isdecimal())
        if versions:
            listed = ", ".join(map(str, versions))
            remedy = f"it has versions {listed}: name one, such as {path / str(versions[-1])}"
        else:
            remedy = "name the folder of a version, in which saved_model.pb lies"
        raise UserError(f"{path}: no SavedModel; {remedy}") from error
    except DecodeError as error:
        raise UserError(f"{path}/saved_model.pb is damaged: export the model again") from error
    for meta_graph in saved_model.meta_graphs:
        if tf.saved_model.SERVING in meta_graph.meta_info_def.tags:
            return meta_graph
    raise UserError(f"{path}: a SavedModel, but without a graph tagged `serve`")


def _tensors(infos: Any, defaults: Mapping[str, Any]) -> tuple[TensorSummary, ...]:
    return tuple(
        TensorSummary(
            name,
            types_pb2.DataType.Name(info.dtype).removeprefix("DT_").lower(),
            None if info.tensor_shape.unknown_rank else tuple(tf.TensorShape(info.tensor_shape)),
            _in_json(defaults[name]) if name in defaults else "",
        )
        for name, info in sorted(infos.items())
    )


def _in_json(proto: Any) -> str:
    values = tf.make_ndarray(proto).tolist()
    return json.dumps(values, default=lambda text: text.decode(errors="replace"))


def _variables(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """Shapes and bytes of the variables, by name."""
    if not (path / "variables" / "variables.index").exists():
        return {}, {}
    try:
        reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    except tf.errors.OpError as error:
        raise UserError(f"{path}/variables cannot be read: {error.message}") from error
    dtypes = reader.get_variable_to_dtype_map()
    shapes = {
        name: tuple(shape)
        for name, shape in sorted(reader.get_variable_to_shape_map().items())
        if name != _BOOKKEEPING
    }
    return shapes, {name: math.prod(shape) * dtypes[name].size for name, shape in shapes.items()}


def _graph_batching(graph: graph_pb2.GraphDef) -> tuple[dict[str, int], ...]:
    kinds = {
        (
            max([*node.attr["allowed_batch_sizes"].list.i, 0]) or node.attr["max_batch_size"].i,
            node.attr["batch_timeout_micros"].i,
            node.attr["num_batch_threads"].i,
        )
        for node in all_nodes(graph)
        if node.op == "BatchFunction"
    }
    names = ("max_batch_size", "batch_timeout_micros", "num_batch_threads")
    return tuple(dict(zip(names, kind, strict=True)) for kind in sorted(kinds))


def _count_records(path: Path) -> int:
    if not path.exists():
        return 0
    try:
        return sum(1 for _ in tf.data.TFRecordDataset(str(path), buffer_size=_BUFFER_BYTES))
    except tf.errors.DataLossError as error:
        raise UserError(f"{path} is damaged: export the model again") from error


def _provenance(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is no JSON: export the model again") from error
    return values


def _tensor_lines(word: str, tensors: Sequence[TensorSummary]) -> Iterator[str]:
    width = max((len(tensor.name) for tensor in tensors), default=0)
    for tensor in tensors:
        yield f"    {word} {tensor.name:<{width}}  {tensor}"


def _one_line(values: Any) -> str:
    """What was set, in a line; --json has all."""
    if not isinstance(values, Mapping):
        return str(values)
    return ", ".join(
        f"{name} {value}"
        for name, value in values.items()
        if value is not None and not isinstance(value, dict | list)
    )


def _size(num_bytes: int) -> str:
    if num_bytes < 1000:
        return f"{num_bytes} B"
    if num_bytes < 1e6:
        return f"{num_bytes / 1e3:.1f} kB"
    return f"{num_bytes / 1e6:,.1f} MB"
