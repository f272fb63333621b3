"""What Predict, Classify, Regress and MultiInference do with one loaded version.

Apart from transports, so that gRPC calls, warm-up and tests share it. Checks and messages follow
predict_util.cc, classifier.cc, regressor.cc and multi_inference.cc of TensorFlow Serving.
"""

from collections.abc import Collection

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving import tensors
from serving.errors import ServingError, failed_precondition, invalid_argument
from serving.servable import Servable
from serving.tensors import Array

CLASSIFY_METHOD = "tensorflow/serving/classify"
REGRESS_METHOD = "tensorflow/serving/regress"
_INPUTS = "inputs"
_CLASSES = "classes"
_SCORES = "scores"
_OUTPUTS = "outputs"
_SIGNATURE_DEF = "signature_def"

# The outputs of a run by tensor name: several signatures may share a run, and name one tensor.
_Results = dict[str, Array]


def predict(
    servable: Servable, request: predict_pb2.PredictRequest, timeout: float | None = None
) -> predict_pb2.PredictResponse:
    """Feeds the request's tensors and answers the signature's outputs, or those asked for.

    Raises:
        ServingError: `FAILED_PRECONDITION` for an unknown signature, `INVALID_ARGUMENT` for inputs
            or outputs that the signature does not have, or the status of the computation.
    """
    name = _signature_name(request.model_spec)
    if name not in servable.signatures:
        raise failed_precondition(f'Serving signature key "{name}" not found.')
    signature = servable.signatures[name]
    feeds = _input_values(signature, request)
    aliases = _output_aliases(signature, request.output_filter)
    fetches = [signature.outputs[alias].name for alias in aliases]
    values = servable.run(feeds, fetches, timeout)
    response = predict_pb2.PredictResponse(model_spec=_model_spec(servable, request.model_spec))
    for alias, value in zip(aliases, values, strict=True):
        response.outputs[alias].CopyFrom(tensors.to_proto(np.asarray(value)))
    return response


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
    signature = _example_signature(servable, request.model_spec)
    feed, fetches = _classification_tensors(signature)
    results, count = _run_examples(servable, request.input, feed, fetches, timeout)
    return classification_pb2.ClassificationResponse(
        model_spec=_model_spec(servable, request.model_spec),
        result=_classification_result(signature, results, count),
    )


def regress(
    servable: Servable, request: regression_pb2.RegressionRequest, timeout: float | None = None
) -> regression_pb2.RegressionResponse:
    """Feeds the request's tf.Examples and answers one number for each.

    Raises:
        ServingError: `INVALID_ARGUMENT` for an unknown signature, no examples, or an output that
            is no regression; or the status of the computation.
    """
    signature = _example_signature(servable, request.model_spec)
    feed, fetches = _regression_tensors(signature)
    results, count = _run_examples(servable, request.input, feed, fetches, timeout)
    return regression_pb2.RegressionResponse(
        model_spec=_model_spec(servable, request.model_spec),
        result=_regression_result(signature, results, count),
    )


def multi_inference(
    servable: Servable, request: inference_pb2.MultiInferenceRequest, timeout: float | None = None
) -> inference_pb2.MultiInferenceResponse:
    """Answers several classifications and regressions of the same tf.Examples by one run.

    Raises:
        ServingError: `INVALID_ARGUMENT` for tasks that do not go together, `UNIMPLEMENTED` for a
            method other than classify and regress, and as `classify` and `regress`.
    """
    feed = ""
    fetches: dict[str, None] = {}  # an ordered set
    seen = set()
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid_argument("Found ModelSpec with an empty model name.")
        if task.model_spec.name != request.tasks[0].model_spec.name:
            raise invalid_argument(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        name = _signature_name(task.model_spec)
        if name in seen:
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in servable.signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name == CLASSIFY_METHOD:
            task_feed, task_fetches = _classification_tensors(servable.signatures[name])
        elif task.method_name == REGRESS_METHOD:
            task_feed, task_fetches = _regression_tensors(servable.signatures[name])
        else:
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"Unsupported signature method_name: {task.method_name}",
            )
        feed = feed or task_feed
        if feed != task_feed:
            raise invalid_argument("Input tensor must be the same for all Signatures.")
        fetches.update(dict.fromkeys(task_fetches))

    results, count = _run_examples(servable, request.input, feed, fetches, timeout)
    response = inference_pb2.MultiInferenceResponse()
    for task in request.tasks:
        signature = servable.signatures[_signature_name(task.model_spec)]
        answer = response.results.add(model_spec=_model_spec(servable, task.model_spec))
        if task.method_name == CLASSIFY_METHOD:
            result = _classification_result(signature, results, count)
            answer.classification_result.CopyFrom(result)
        else:
            answer.regression_result.CopyFrom(_regression_result(signature, results, count))
    return response


def metadata(
    servable: Servable, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """Answers the model's signatures. Check the request with `check_metadata_fields` first."""
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.signatures.items():
        signatures.signature_def[name].CopyFrom(signature)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = servable.name
    response.model_spec.version.value = servable.version
    response.metadata[_SIGNATURE_DEF].Pack(signatures)
    return response


def check_metadata_fields(request: get_model_metadata_pb2.GetModelMetadataRequest) -> None:
    """Raises `INVALID_ARGUMENT` unless the request asks for `signature_def` and nothing else."""
    if not request.metadata_field:
        raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != _SIGNATURE_DEF:
            raise invalid_argument(f"Metadata field {field} is not supported")


def _signature_name(spec: model_pb2.ModelSpec) -> str:
    return spec.signature_name or tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY


def _model_spec(servable: Servable, asked: model_pb2.ModelSpec) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=asked.name, signature_name=_signature_name(asked))
    spec.version.value = servable.version
    return spec


def _joined(names: Collection[str]) -> str:
    return ",".join(sorted(names))


def _input_values(
    signature: meta_graph_pb2.SignatureDef, request: predict_pb2.PredictRequest
) -> dict[str, Array]:
    """Values by tensor name; what the request leaves out is taken from the signature's defaults."""
    asked, known = set(request.inputs), set(signature.inputs)
    if len(asked) > len(known) or (len(asked) < len(known) and not signature.defaults):
        raise invalid_argument(
            f"input size does not match signature: {len(asked)}!={len(known)} "
            f"len({{{_joined(asked)}}}) != len({{{_joined(known)}}}). "
            f"Sent extra: {{{_joined(asked - known)}}}. "
            f"Missing but required: {{{_joined(known - asked)}}}."
        )
    feeds = {}
    for alias in sorted(known):
        feed = signature.inputs[alias].name
        if alias in asked:
            proto = request.inputs[alias]
        elif alias in signature.defaults:
            proto = signature.defaults[alias]
        else:
            raise invalid_argument(
                f"Signature input alias: {alias}(feed name: {feed}) not found in request and no "
                f"default value provided. Inputs expected to be in the request "
                f"{{{_joined(asked)}}}, or default input alias set: {_joined(signature.defaults)}"
            )
        try:
            feeds[feed] = tensors.from_proto(proto)
        except (ValueError, MemoryError) as error:
            raise invalid_argument(f"tensor parsing error: {alias}") from error
    if not asked <= known:
        raise invalid_argument(
            f"Inputs contains invalid name. Used request inputs: {_joined(asked & known)}, "
            f"request input: {_joined(asked)}"
        )
    return feeds


def _output_aliases(
    signature: meta_graph_pb2.SignatureDef, wanted: Collection[str]
) -> Collection[str]:
    seen = set()
    for alias in wanted:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_joined(signature.outputs)}}}."
            )
        if alias in seen:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
    return wanted or sorted(signature.outputs)


def _example_signature(
    servable: Servable, spec: model_pb2.ModelSpec
) -> meta_graph_pb2.SignatureDef:
    name = _signature_name(spec)
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    return servable.signatures[name]


def _classification_tensors(signature: meta_graph_pb2.SignatureDef) -> tuple[str, list[str]]:
    """The tensor to feed and those to fetch."""
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if _INPUTS not in signature.inputs:
        raise failed_precondition(
            f"No classification inputs found in SignatureDef: {_one_line(signature)}"
        )
    fetches = [
        signature.outputs[alias].name for alias in (_CLASSES, _SCORES) if alias in signature.outputs
    ]
    if not fetches:
        raise failed_precondition(
            "Expected classification signature outputs to contain at least one of "
            f'"{_CLASSES}" or "{_SCORES}". Signature was: {_one_line(signature)}'
        )
    return signature.inputs[_INPUTS].name, fetches


def _regression_tensors(signature: meta_graph_pb2.SignatureDef) -> tuple[str, list[str]]:
    """The tensor to feed and the one to fetch."""
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
                f"No regression {kind} found in SignatureDef: {_one_line(signature)}"
            )
    return signature.inputs[_INPUTS].name, [signature.outputs[_OUTPUTS].name]


def _one_line(signature: meta_graph_pb2.SignatureDef) -> str:
    return " ".join(str(signature).split())


def _run_examples(
    servable: Servable,
    examples: input_pb2.Input,
    feed: str,
    fetches: Collection[str],
    timeout: float | None,
) -> tuple[_Results, int]:
    serialized = _serialized_examples(examples)
    names = list(fetches)
    values = servable.run({feed: serialized}, names, timeout)
    return dict(zip(names, map(np.asarray, values), strict=True)), len(serialized)


def _serialized_examples(examples: input_pb2.Input) -> Array:
    """The examples as serialized tf.Example, shape [count]; the context's features come first."""
    if examples.WhichOneof("kind") == "example_list_with_context":
        listed = examples.example_list_with_context
        context = listed.context.SerializeToString()
    else:
        listed = examples.example_list
        context = b""
    serialized = np.empty(len(listed.examples), np.object_)
    # A serialized message appended to another is read as the two merged.
    serialized[:] = [context + example.SerializeToString() for example in listed.examples]
    if not len(serialized):
        raise invalid_argument("Input is empty.")
    return serialized


def _classification_result(
    signature: meta_graph_pb2.SignatureDef, results: _Results, count: int
) -> classification_pb2.ClassificationResult:
    columns = {}
    for alias, type_name in ((_CLASSES, "DT_STRING"), (_SCORES, "DT_FLOAT")):
        if alias not in signature.outputs:
            continue
        values = results[signature.outputs[alias].name]
        if values.ndim != 2:
            raise invalid_argument(
                f"Expected Tensor shape: [batch_size num_classes] but got {_shape_string(values)}"
            )
        if _type_name(values) != type_name:
            raise invalid_argument(
                f"Expected {alias} Tensor of {type_name}. Got: {_type_name(values)}"
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


def _regression_result(
    signature: meta_graph_pb2.SignatureDef, results: _Results, count: int
) -> regression_pb2.RegressionResult:
    values = results[signature.outputs[_OUTPUTS].name]
    if values.ndim != 1 and not (values.ndim == 2 and values.shape[1] == 1):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{_shape_string(values)}"
        )
    if len(values) != count:
        raise invalid_argument(
            f"Input batch size did not match output batch size: {count} vs. {len(values)}"
        )
    if _type_name(values) != "DT_FLOAT":
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {_type_name(values)}")
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result


def _shape_string(values: Array) -> str:
    return f"[{','.join(map(str, values.shape))}]"


def _type_name(values: Array) -> str:
    if values.dtype == np.object_:
        return "DT_STRING"
    return "DT_" + str(tf.as_dtype(values.dtype).name).upper().replace("FLOAT32", "FLOAT")
