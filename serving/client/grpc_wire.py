"""Questions, answers and connections of the gRPC API, for both of its clients."""

import json
from typing import Any

import grpc
import numpy as np
from tensorflow_serving.apis import model_pb2, predict_pb2

from serving import tensors
from serving.client import retries
from serving.client.answers import RequestError, StatusCode
from serving.client.columns import Column
from serving.client.questions import Answered, Question
from serving.client.served_model import ServedModel
from serving.client.tls import Tls
from serving.tensors import Array
from tagkeras.cli.errors import UserError

_RETRY_BUFFER_BYTES = 2**30
_MAX_PORT = 2**16 - 1


def check_address(server: str) -> None:
    """Raises `UserError` for an address that is not one of gRPC."""
    if server.startswith(("http://", "https://")):
        raise UserError(
            f"{server} is a URL: gRPC takes host:port; RestHashtagClient asks the REST API"
        )
    if server.startswith("unix:"):
        return  # a socket in the file system
    _, colon, port = server.rpartition(":")
    if not colon:
        raise UserError(f"the server's address {server!r} has no port; give host:port")
    if not (port.isascii() and port.isdigit() and 1 <= int(port) <= _MAX_PORT):
        raise UserError(
            f"the server's address {server!r} has the port {port!r}, which is no number from 1 to "
            f"{_MAX_PORT}; give host:port"
        )


def channel_options(attempts: int) -> list[tuple[str, str | int]]:
    """Repeats of calls, and messages of any size: batches of photos are large.

    Calls go in turns to all addresses of a name, such as `dns:///` and a headless Service.
    """
    retry = {
        "maxAttempts": attempts,
        "initialBackoff": f"{retries.FIRST_PAUSE_SECONDS}s",
        "maxBackoff": f"{retries.LONGEST_PAUSE_SECONDS}s",
        "backoffMultiplier": retries.GROWTH,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": [{}], **({"retryPolicy": retry} if attempts > 1 else {})}],
    }
    return [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.enable_retries", int(attempts > 1)),
        # A call larger than this buffer, 256 KiB by default, would not be repeated.
        ("grpc.per_rpc_retry_buffer_size", _RETRY_BUFFER_BYTES),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]


def credentials(tls: Tls) -> grpc.ChannelCredentials:
    """What gRPC needs for an encrypted connection."""
    return grpc.ssl_channel_credentials(*tls.contents())


def channel(served: ServedModel) -> grpc.Channel:
    """A connection to a model's server, opened by its first call.

    Raises:
        UserError: the address is not one of gRPC.
    """
    check_address(served.server)
    options = channel_options(served.attempts)
    if served.tls is None:
        return grpc.insecure_channel(served.server, options)
    return grpc.secure_channel(served.server, credentials(served.tls), options)


def model_spec(model: str, version: int | None, version_label: str | None) -> model_pb2.ModelSpec:
    """Names a model, or one of its versions by number or label."""
    spec = model_pb2.ModelSpec(name=model)
    if version is not None:
        spec.version.value = version
    if version_label is not None:
        spec.version_label = version_label
    return spec


def request(served: ServedModel, question: Question[Any]) -> predict_pb2.PredictRequest:
    """The message that asks a question."""
    message = predict_pb2.PredictRequest(
        model_spec=model_spec(served.model, served.version, served.version_label)
    )
    message.model_spec.signature_name = question.signature
    for name, column in question.inputs.items():
        message.inputs[name].CopyFrom(tensors.to_proto(_array(column), as_content=True))
    return message


def answered(served: ServedModel, response: predict_pb2.PredictResponse) -> Answered:
    """What a message answers."""
    outputs = {name: _column(proto) for name, proto in response.outputs.items()}
    return Answered(served.model, response.model_spec.version.value, outputs)


def explained(served: ServedModel, error: grpc.RpcError) -> RequestError:
    """The error of a call that failed."""
    return served.explained(StatusCode[error.code().name], error.details() or "")


def _array(column: Column) -> Array:
    if not isinstance(column[0], str | bytes):
        return np.array(column, np.float32)
    strings = np.empty(len(column), np.object_)
    strings[:] = [text.encode() if isinstance(text, str) else text for text in column]
    return strings


def _column(proto: Any) -> list[Any]:
    array = tensors.from_proto(proto)
    if array.dtype == np.object_:
        array = np.vectorize(bytes.decode, otypes=[np.object_])(array)
    return array.tolist()
