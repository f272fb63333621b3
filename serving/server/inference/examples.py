"""Classify, Regress and MultiInference: what signatures say of tf.Examples."""

from collections.abc import Sequence
from typing import NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    input_pb2,
    model_pb2,
    regression_pb2,
)

from serving.server.errors import ServingError, invalid_argument
from serving.server.inference.predict import answered_spec, signature_name
from serving.server.inference.servable import Servable
from serving.tensors import Array

_CLASSIFY = "tensorflow/serving/classify"
_REGRESS = "tensorflow/serving/regress"
_INPUT = "inputs"
# The outputs that each method reads, and their types.
_OUTPUTS = {
    _CLASSIFY: {"classes": tf.string, "scores": tf.float32},
    _REGRESS: {"outputs": tf.float32},
}


class _Task(NamedTuple):
    """A signature that is asked for by a method."""

    spec: model_pb2.ModelSpec
    method: str
    signature: meta_graph_pb2.SignatureDef

    @property
    def fetches(self) -> dict[str, str]:
        """Tensors by the name of the output."""
        outputs = self.signature.outputs
        return {name: outputs[name].name for name in _OUTPUTS[self.method] if name in outputs}


def classify(
    servable: Servable,
    request: classification_pb2.ClassificationRequest,
    timeout: float | None = None,
) -> classification_pb2.ClassificationResponse:
    """Feeds the request's tf.Examples and answers classes, scores or both for each.

    `INVALID_ARGUMENT` for an unknown signature, one that is no classification, or no examples; or
    the status of the computation.
    """
    task = _task(servable, request.model_spec, _CLASSIFY)
    (outputs,) = _run(servable, request.input, [task], timeout, api="Classify")
    return classification_pb2.ClassificationResponse(
        model_spec=answered_spec(servable, request.model_spec), result=_classifications(outputs)
    )


def regress(
    servable: Servable, request: regression_pb2.RegressionRequest, timeout: float | None = None
) -> regression_pb2.RegressionResponse:
    """As `classify`, but answers one number for each tf.Example."""
    task = _task(servable, request.model_spec, _REGRESS)
    (outputs,) = _run(servable, request.input, [task], timeout, api="Regress")
    return regression_pb2.RegressionResponse(
        model_spec=answered_spec(servable, request.model_spec), result=_regressions(outputs)
    )


def multi_inference(
    servable: Servable, request: inference_pb2.MultiInferenceRequest, timeout: float | None = None
) -> inference_pb2.MultiInferenceResponse:
    """Answers several classifications and regressions of the same tf.Examples by one run.

    `INVALID_ARGUMENT` for tasks that do not go together, `UNIMPLEMENTED` for a method other than
    classify and regress, and errors as of these.
    """
    tasks = []
    for asked in request.tasks:
        if asked.model_spec.name != request.tasks[0].model_spec.name:
            raise invalid_argument(
                "All ModelSpecs in a MultiInferenceRequest must access the same model name."
            )
        if asked.method_name not in _OUTPUTS:
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"Unsupported signature method_name: {asked.method_name}",
            )
        tasks.append(_task(servable, asked.model_spec, asked.method_name))
    names = [signature_name(task.spec) for task in tasks]
    if len(set(names)) < len(names):
        raise invalid_argument("Duplicate evaluation of a signature")
    response = inference_pb2.MultiInferenceResponse()
    for task, outputs in zip(tasks, _run(servable, request.input, tasks, timeout), strict=True):
        answer = response.results.add(model_spec=answered_spec(servable, task.spec))
        if task.method == _CLASSIFY:
            answer.classification_result.CopyFrom(_classifications(outputs))
        else:
            answer.regression_result.CopyFrom(_regressions(outputs))
    return response


def _task(servable: Servable, spec: model_pb2.ModelSpec, method: str) -> _Task:
    """The signature asked for, checked to be one that the method can answer from."""
    name = signature_name(spec)
    if name not in servable.signatures:
        raise invalid_argument(f"No signature was found with the name: {name}")
    task = _Task(spec, method, servable.signatures[name])
    if servable.check_method_names and task.signature.method_name != method:
        raise invalid_argument(
            f"Expected method_name of signature {name} to be {method}. "
            f"Was: {task.signature.method_name}"
        )
    outputs = _OUTPUTS[method]
    if list(task.signature.inputs) != [_INPUT]:
        raise invalid_argument(f"Expected one input of signature {name}, named `{_INPUT}`.")
    if not task.fetches or len(task.signature.outputs) > len(outputs):
        raise invalid_argument(f"Expected outputs of signature {name} named {', '.join(outputs)}.")
    return task


def _run(
    servable: Servable,
    examples: input_pb2.Input,
    tasks: Sequence[_Task],
    timeout: float | None,
    *,
    api: str | None = None,
) -> list[dict[str, Array]]:
    """Feeds the examples to all signatures at once; the outputs of each by name, checked."""
    serialized = _serialized(examples)
    feeds = {task.signature.inputs[_INPUT].name: serialized for task in tasks}
    fetches = list(dict.fromkeys(name for task in tasks for name in task.fetches.values()))
    values = map(np.asarray, servable.run(feeds, fetches, timeout, api=api))
    by_tensor = dict(zip(fetches, values, strict=True))
    results = []
    for task in tasks:
        outputs = {name: by_tensor[tensor] for name, tensor in task.fetches.items()}
        for name, value in outputs.items():
            expected = _OUTPUTS[task.method][name]
            if tf.as_dtype(value.dtype) != expected:
                raise invalid_argument(
                    f"Expected output {name} of type {expected.name}. Got: {value.dtype}"
                )
            if value.shape[:1] != serialized.shape:
                raise invalid_argument(
                    f"Expected output {name} of batch size {len(serialized)}. "
                    f"Got shape: {list(value.shape)}"
                )
        results.append(outputs)
    return results


def _serialized(examples: input_pb2.Input) -> Array:
    """The examples as serialized tf.Example, object [count]; the context's features come first."""
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


def _classifications(outputs: dict[str, Array]) -> classification_pb2.ClassificationResult:
    """From classes and scores, each [count, num_classes], or one of them alone."""
    shapes = {value.shape for value in outputs.values()}
    if len(shapes) > 1 or len(next(iter(shapes))) != 2:
        raise invalid_argument(
            f"Expected classes and scores of shape [batch_size num_classes] but got {shapes}"
        )
    (shape,) = shapes
    classes = outputs.get("classes", np.full(shape, b"", np.object_))
    scores = outputs.get("scores", np.zeros(shape, np.float32))
    result = classification_pb2.ClassificationResult()
    try:
        for labels, numbers in zip(classes.tolist(), scores.tolist(), strict=True):
            entry = result.classifications.add()
            for label, number in zip(labels, numbers, strict=True):
                entry.classes.add(label=label.decode(), score=number)
    except UnicodeDecodeError:
        raise invalid_argument("A class label is not UTF-8") from None
    return result


def _regressions(outputs: dict[str, Array]) -> regression_pb2.RegressionResult:
    """From outputs, [count] or [count, 1]."""
    values = outputs["outputs"]
    if values.shape[1:] not in ((), (1,)):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(values.shape)}"
        )
    result = regression_pb2.RegressionResult()
    for value in values.reshape(-1).tolist():
        result.regressions.add(value=value)
    return result
