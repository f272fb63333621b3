"""The nodes and ops of a graph, wherever they stand.

TensorFlow's own `ops_used_by_graph_def` does not look into loops, branches and batches.
"""

import itertools
from collections.abc import Iterator

from tensorflow.core.framework import graph_pb2, node_def_pb2


def all_nodes(graph_def: graph_pb2.GraphDef) -> Iterator[node_def_pb2.NodeDef]:
    """The nodes of a graph and of all its functions."""
    functions = graph_def.library.function
    return itertools.chain(graph_def.node, *(function.node_def for function in functions))


def all_ops(graph_def: graph_pb2.GraphDef) -> set[str]:
    """The ops of these nodes; a function that a node calls by its name is none."""
    functions = {function.signature.name for function in graph_def.library.function}
    return {node.op for node in all_nodes(graph_def)} - functions
