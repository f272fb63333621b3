"""Regress: one number for each tf.Example."""

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import regression_pb2

from serving.server.errors import failed_precondition, invalid_argument
from serving.server.inference.examples import (
    Results,
    example_signature,
    one_line,
    run_examples,
    shape_string,
    type_name,
)
from serving.server.inference.model_spec import model_spec
from serving.server.models.servable import Servable

METHOD = "tensorflow/serving/regress"
_INPUTS = "inputs"
_OUTPUTS = "outputs"


def regress(
    servable: Servable, request: regression_pb2.RegressionRequest, timeout: float | None = None
) -> regression_pb2.RegressionResponse:
    """Feeds the request's tf.Examples and answers one number for each.

    Raises:
        ServingError: `INVALID_ARGUMENT` for an unknown signature, no examples, or an output that
            is no regression; or the status of the computation.
    """
    signature = example_signature(servable, request.model_spec)
    feed, fetches = regression_tensors(servable, signature)
    results, count = run_examples(servable, request.input, feed, fetches, timeout, api="Regress")
    return regression_pb2.RegressionResponse(
        model_spec=model_spec(servable, request.model_spec),
        result=regression_result(signature, results, count),
    )


def regression_tensors(
    servable: Servable, signature: meta_graph_pb2.SignatureDef
) -> tuple[str, list[str]]:
    """The tensor to feed and the one to fetch."""
    if servable.check_method_names and signature.method_name != METHOD:
        raise invalid_argument(
            f"Expected regression signature method_name to be {METHOD}. "
            f"Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    for kind, names, known in (
        ("inputs", signature.inputs, _INPUTS),
        ("outputs", signature.outputs, _OUTPUTS),
    ):
        if known not in names:
            raise failed_precondition(
                f"No regression {kind} found in SignatureDef: {one_line(signature)}"
            )
    return signature.inputs[_INPUTS].name, [signature.outputs[_OUTPUTS].name]


def regression_result(
    signature: meta_graph_pb2.SignatureDef, results: Results, count: int
) -> regression_pb2.RegressionResult:
    """The numbers of `count` examples from the tensors of a run, checked."""
    values = results[signature.outputs[_OUTPUTS].name]
    if values.ndim != 1 and not (values.ndim == 2 and values.shape[1] == 1):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{shape_string(values)}"
        )
    if len(values) != count:
        raise invalid_argument(
            f"Input batch size did not match output batch size: {count} vs. {len(values)}"
        )
    if type_name(values) != "DT_FLOAT":
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {type_name(values)}")
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result
