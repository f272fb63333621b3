"""Servers of TensorFlow Serving's own test models, and requests to them."""

import contextlib

import grpc
import numpy as np
import pytest
from google.protobuf import text_format
from serving_helpers import QUICK, WAIT, Stubs
from tensorflow_serving.apis import inference_pb2, model_management_pb2, predict_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving import tensors
from serving.server.model_server import ModelServer

Code = grpc.StatusCode
TWO_VERSIONS = "saved_model_half_plus_two_2_versions"


def parsed(text):
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def model(folder, name="half", more=""):
    return f'config {{ name: "{name}" base_path: "{folder}" model_platform: "tensorflow" {more} }}'


def config_of(*models):
    return parsed(f"model_config_list {{ {' '.join(models)} }}")


@contextlib.contextmanager
def serving(config, **options):
    with ModelServer(config, **{"options": QUICK, **options}) as server:
        stubs = Stubs(server.endpoint)
        try:
            yield server, stubs
        finally:
            stubs.channel.close()


@contextlib.contextmanager
def refused(code, *words):
    """Expects a call of the block to fail with the status, and to say the words."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    assert caught.value.code() is code, caught.value.details()
    for word in words:
        assert word in caught.value.details()


def predict_request(name="half", signature="", label="", version=None, **inputs):
    request = predict_pb2.PredictRequest(
        model_spec={"name": name, "signature_name": signature, "version_label": label or None}
    )
    if version is not None:
        request.model_spec.version.value = version
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tensors.to_proto(np.asarray(value)))
    return request


def half(stubs, x=2.0, **asked):
    """The version that answers, and its y = x / 2 + 2."""
    request = predict_request(x=np.array([x], np.float32), **asked)
    response = stubs.prediction.Predict(request)
    return response.model_spec.version.value, list(response.outputs["y"].float_val)


def examples(kind, signature, *values, name="half"):
    """A request of a kind about an example for each value of x."""
    request = kind(model_spec={"name": name, "signature_name": signature})
    return with_examples(request, values)


def multi_request(*tasks, values=(2.0,), name="half"):
    request = inference_pb2.MultiInferenceRequest()
    for method, signature in tasks:
        spec = {"name": name, "signature_name": signature}
        request.tasks.add(method_name=f"tensorflow/serving/{method}", model_spec=spec)
    return with_examples(request, values)


def with_examples(request, values):
    for value in values:
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(value)
    return request


def reload(stubs, config):
    request = model_management_pb2.ReloadConfigRequest(config=config)
    return stubs.model.HandleReloadConfigRequest(request, timeout=WAIT)
