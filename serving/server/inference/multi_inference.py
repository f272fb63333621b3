"""MultiInference: several classifications and regressions of the same tf.Examples by one run."""

import grpc
from tensorflow_serving.apis import inference_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.server.inference import classification, regression
from serving.server.inference.examples import run_examples
from serving.server.inference.model_spec import model_spec, signature_name
from serving.server.models.servable import Servable


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
        name = signature_name(task.model_spec)
        if name in seen:
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        seen.add(name)
        if name not in servable.signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name == classification.METHOD:
            task_feed, task_fetches = classification.classification_tensors(
                servable, servable.signatures[name]
            )
        elif task.method_name == regression.METHOD:
            task_feed, task_fetches = regression.regression_tensors(
                servable, servable.signatures[name]
            )
        else:
            raise ServingError(
                grpc.StatusCode.UNIMPLEMENTED,
                f"Unsupported signature method_name: {task.method_name}",
            )
        feed = feed or task_feed
        if feed != task_feed:
            raise invalid_argument("Input tensor must be the same for all Signatures.")
        fetches.update(dict.fromkeys(task_fetches))

    results, count = run_examples(servable, request.input, feed, fetches, timeout)
    if servable.metrics:
        servable.metrics.record_examples(servable.name, count)
    response = inference_pb2.MultiInferenceResponse()
    for task in request.tasks:
        signature = servable.signatures[signature_name(task.model_spec)]
        answer = response.results.add(model_spec=model_spec(servable, task.model_spec))
        if task.method_name == classification.METHOD:
            result = classification.classification_result(signature, results, count)
            answer.classification_result.CopyFrom(result)
        else:
            answer.regression_result.CopyFrom(
                regression.regression_result(signature, results, count)
            )
    return response
