"""Classify: the classes of tf.Examples and their scores."""

from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2

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

METHOD = "tensorflow/serving/classify"
_INPUTS = "inputs"
_CLASSES = "classes"
_SCORES = "scores"


def classify(
    servable: Servable,
    request: classification_pb2.ClassificationRequest,
    timeout: float | None = None,
) -> classification_pb2.ClassificationResponse:
    """Feeds the request's tf.Examples and answers classes, scores or both for each.

    Raises:
        ServingError: `INVALID_ARGUMENT` for an unknown signature, no examples, or outputs that are
            no classification; or the status of the computation.
    """
    signature = example_signature(servable, request.model_spec)
    feed, fetches = classification_tensors(servable, signature)
    results, count = run_examples(servable, request.input, feed, fetches, timeout, api="Classify")
    return classification_pb2.ClassificationResponse(
        model_spec=model_spec(servable, request.model_spec),
        result=classification_result(signature, results, count),
    )


def classification_tensors(
    servable: Servable, signature: meta_graph_pb2.SignatureDef
) -> tuple[str, list[str]]:
    """The tensor to feed and those to fetch."""
    if servable.check_method_names and signature.method_name != METHOD:
        raise invalid_argument(
            f"Expected classification signature method_name to be {METHOD}. "
            f"Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if _INPUTS not in signature.inputs:
        raise failed_precondition(
            f"No classification inputs found in SignatureDef: {one_line(signature)}"
        )
    fetches = [
        signature.outputs[alias].name for alias in (_CLASSES, _SCORES) if alias in signature.outputs
    ]
    if not fetches:
        raise failed_precondition(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {one_line(signature)}'
        )
    return signature.inputs[_INPUTS].name, fetches


def classification_result(
    signature: meta_graph_pb2.SignatureDef, results: Results, count: int
) -> classification_pb2.ClassificationResult:
    """Classes and scores of `count` examples from the tensors of a run, checked."""
    columns = {}
    for alias, expected in ((_CLASSES, "DT_STRING"), (_SCORES, "DT_FLOAT")):
        if alias not in signature.outputs:
            continue
        values = results[signature.outputs[alias].name]
        if values.ndim != 2:
            raise invalid_argument(
                f"Expected Tensor shape: [batch_size num_classes] but got {shape_string(values)}"
            )
        if type_name(values) != expected:
            raise invalid_argument(
                f"Expected {alias} Tensor of {expected}. Got: {type_name(values)}"
            )
        if len(values) != count:
            raise invalid_argument(
                f"Expected {alias} output batch size of {count}. Got: {len(values)}"
            )
        columns[alias] = values
    classes, scores = columns.get(_CLASSES), columns.get(_SCORES)
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise invalid_argument(
            f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. "
            f"{scores.shape[1]}"
        )
    result = classification_pb2.ClassificationResult()
    width = next(iter(columns.values())).shape[1]
    for row in range(count):
        entry = result.classifications.add()
        for column in range(width):
            entry.classes.add(
                label=None if classes is None else _text(classes[row, column]),
                score=None if scores is None else scores[row, column],
            )
    return result


def _text(label: bytes) -> str:
    try:
        return label.decode()
    except UnicodeDecodeError:
        raise invalid_argument(f"The class label {label!r} is not UTF-8") from None
