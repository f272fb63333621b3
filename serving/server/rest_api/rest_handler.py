"""Answers the requests of the REST API with the versions that a manager holds."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    model_pb2,
    regression_pb2,
)

from serving.server.errors import invalid_argument
from serving.server.inference.examples import classify, regress
from serving.server.inference.predict import run_signature, signature_name
from serving.server.models.model_manager import ModelManager
from serving.server.rest_api import json_requests, json_responses
from serving.server.rest_api.routes import METADATA, STATUS, Route


class RestHandler:
    """Answers requests whose path is understood. Thread-safe.

    Args:
        manager: the server's models.
        timeout: seconds after which a computation is stopped; None for never.
    """

    def __init__(self, manager: ModelManager, timeout: float | None) -> None:
        self._manager = manager
        self._timeout = timeout

    def answer(self, route: Route, body: bytes) -> bytes:
        """The JSON document that answers a request.

        Args:
            route: what is asked for.
            body: JSON for an inference, ignored otherwise.

        Raises:
            ServingError: the request cannot be understood, found, computed or written as JSON.
        """
        if route.action == STATUS:
            return self._status(route.spec)
        if route.action == METADATA:
            return self._metadata(route.spec)
        document = json_requests.parse(body)
        spec = model_pb2.ModelSpec()
        spec.CopyFrom(route.spec)
        spec.signature_name = json_requests.signature_name(document)
        infer = {"predict": self._predict, "classify": self._classify, "regress": self._regress}
        return infer[route.action](spec, document)

    def _predict(self, spec: model_pb2.ModelSpec, document: Mapping[str, Any]) -> bytes:
        name = signature_name(spec)
        with self._manager.serving(spec) as servable:
            if name not in servable.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            signature = servable.signatures[name]
            inputs, form = json_requests.decode_predict(document, signature.inputs)
            outputs = run_signature(servable, signature, inputs, timeout=self._timeout)
        return json_responses.predictions(outputs, form)

    def _classify(self, spec: model_pb2.ModelSpec, document: Mapping[str, Any]) -> bytes:
        request = classification_pb2.ClassificationRequest(model_spec=spec)
        json_requests.fill_examples(document, request.input)
        with self._manager.serving(spec) as servable:
            response = classify(servable, request, self._timeout)
        return json_responses.classifications(response.result)

    def _regress(self, spec: model_pb2.ModelSpec, document: Mapping[str, Any]) -> bytes:
        request = regression_pb2.RegressionRequest(model_spec=spec)
        json_requests.fill_examples(document, request.input)
        with self._manager.serving(spec) as servable:
            response = regress(servable, request, self._timeout)
        return json_responses.regressions(response.result)

    def _status(self, spec: model_pb2.ModelSpec) -> bytes:
        """The states of one version or of all, newest first; a label is ignored."""
        number = spec.version.value if spec.HasField("version") else None
        statuses = [
            {
                "version": str(status.version),
                "state": status.state.name,
                "status": {
                    "error_code": status.error.code.name if status.error else "OK",
                    "error_message": status.error.message if status.error else "",
                },
            }
            for status in self._manager.statuses(spec.name, number)
        ]
        return json_responses.encode({"model_version_status": statuses})

    def _metadata(self, spec: model_pb2.ModelSpec) -> bytes:
        with self._manager.serving(spec) as servable:
            signatures = json_format.MessageToDict(
                get_model_metadata_pb2.SignatureDefMap(signature_def=servable.signatures),
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            version = str(servable.version)
        return json_responses.encode(
            {
                "model_spec": {"name": spec.name, "signature_name": "", "version": version},
                "metadata": {"signature_def": signatures},
            }
        )
