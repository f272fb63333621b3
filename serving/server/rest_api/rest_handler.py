"""Answers the requests of the REST API with the versions that a manager holds."""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.errors import invalid_argument
from serving.server.inference.classification import classify
from serving.server.inference.metadata import metadata
from serving.server.inference.model_spec import signature_name
from serving.server.inference.prediction import predict
from serving.server.inference.regression import regress
from serving.server.models.model_manager import ModelManager
from serving.server.rest_api import json_encoding, predict_decoding
from serving.server.rest_api.example_decoding import fill_examples
from serving.server.rest_api.json_text import parse
from serving.server.rest_api.routes import METADATA, STATUS, Route

_SIGNATURES = "signature_def"
_JSON_INDENT = 1


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
            body: JSON for an inference, not looked at otherwise.

        Raises:
            ServingError: the request cannot be understood, found, computed or written as JSON.
        """
        try:
            if route.action == STATUS:
                return self._status(route.spec)
            if route.action == METADATA:
                return self._metadata(route.spec)
            return self._infer(route.action, route.spec, parse(body))
        except RecursionError:
            raise invalid_argument("The JSON value is nested too deeply.") from None

    def _infer(self, action: str, asked: model_pb2.ModelSpec, document: dict[str, Any]) -> bytes:
        spec = model_pb2.ModelSpec()
        spec.CopyFrom(asked)
        spec.signature_name = predict_decoding.signature_name(document)
        if action == "predict":
            return self._predict(spec, document)
        if action == "classify":
            classification = classification_pb2.ClassificationRequest(model_spec=spec)
            fill_examples(document, classification.input)
            with self._manager.serving(spec) as servable:
                classified = classify(servable, classification, self._timeout)
            return json_encoding.classifications(classified.result)
        regression = regression_pb2.RegressionRequest(model_spec=spec)
        fill_examples(document, regression.input)
        with self._manager.serving(spec) as servable:
            regressed = regress(servable, regression, self._timeout)
        return json_encoding.regressions(regressed.result)

    def _predict(self, spec: model_pb2.ModelSpec, document: Mapping[str, Any]) -> bytes:
        request = predict_pb2.PredictRequest(model_spec=spec)
        name = signature_name(spec)
        with self._manager.serving(spec) as servable:
            if name not in servable.signatures:
                raise invalid_argument(
                    f'Serving signature name: "{name}" not found in signature def'
                )
            infos = servable.signatures[name].inputs
            form = predict_decoding.fill_predict_request(document, infos, request)
            response = predict(servable, request, self._timeout)
        return json_encoding.predictions(response.outputs, form)

    def _status(self, spec: model_pb2.ModelSpec) -> bytes:
        """The states of one version or of all, newest first; a label is not looked at."""
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
        text = json.dumps(
            {"model_version_status": statuses}, indent=_JSON_INDENT, ensure_ascii=False
        )
        return json_encoding.to_bytes(text + "\n")

    def _metadata(self, spec: model_pb2.ModelSpec) -> bytes:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=spec, metadata_field=[_SIGNATURES]
        )
        with self._manager.serving(spec) as servable:
            response = metadata(servable, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[_SIGNATURES].Unpack(signatures)
        text = (
            f'{{\n"model_spec":{_proto_text(response.model_spec)},\n'
            f'"metadata": {{"{_SIGNATURES}": {_proto_text(signatures)}}}\n}}\n'
        )
        return json_encoding.to_bytes(text)


def _proto_text(message: Message) -> str:
    return json_format.MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        indent=_JSON_INDENT,
        ensure_ascii=False,
    )
