"""The gRPC clients of a served hashtag model, for threads and for asyncio."""

import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio
import numpy as np
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving import tensors
from serving.client import base, questions
from serving.client.answers import HashtagEmbeddings, Prediction, RequestError, StatusCode
from serving.client.base import BlockingClient, ModelClient, ServedModel, Shape
from serving.client.questions import Answered, AnswerT, Column, Image, Question
from serving.tensors import Array
from tagkeras.cli.errors import UserError
from tagkeras.data.user import User

_RETRY_BUFFER_BYTES = 2**30
_MAX_PORT = 2**16 - 1


class HashtagClient(BlockingClient):
    """The client of the gRPC API; see `BlockingClient` for its arguments and methods.

    Example:
        with HashtagClient("localhost:8500", "tags") as client:
            (answer,) = client.predict(["ball.jpg"], [User(age=30, country="GB")])
            print(answer.hashtags[0].hashtag)
    """

    def input_shapes(self, signature: str) -> dict[str, Shape]:
        response = self._call(self._stub.GetModelMetadata, _metadata_request(self.served))
        return _input_shapes(self.served, response, signature)

    def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        self._channel.close()

    def _open(self) -> None:
        self._channel = open_channel(grpc, self.served, _channel_options(self.served.attempts))
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        request = predict_request(self.served, question.signature, question.inputs)
        return question.read(_answered(self.served, self._call(self._stub.Predict, request)))

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=self.served.timeout)
        except grpc.RpcError as error:
            raise _explained(self.served, error) from error


class AsyncHashtagClient(ModelClient):
    """`HashtagClient` with coroutines for methods: one event loop has many calls under way.

    To be used in one event loop, the one of the first call. A call whose task is cancelled is
    cancelled on the server too.

    Example:
        async with AsyncHashtagClient("localhost:8500", "tags") as client:
            answers = await asyncio.gather(*(client.predict([photo]) for photo in photos))

    See `ModelClient` for the arguments; `server` is `host:port` of the gRPC API.
    """

    async def predict(
        self, images: Sequence[Image], users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """Hashtags of images for users, like `HashtagClient.predict`."""
        return await self._ask(questions.hashtags(images, users))

    async def predict_descriptors(
        self, descriptors: Array, users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """Hashtags of image descriptors [B, n] for users."""
        return await self._ask(questions.hashtags_of_descriptors(descriptors, users))

    async def image_embedding(
        self, images: Sequence[Image] | Array, users: Sequence[User] = (User(),)
    ) -> Array:
        """The embeddings phi(x, u), float [B, d], of images or descriptors and users."""
        return await self._ask(questions.image_embedding(images, users))

    async def user_embedding(self, users: Sequence[User]) -> Array:
        """The learned user vectors, float [B, h] (multiplicative models only)."""
        return await self._ask(questions.user_embedding(users))

    async def hashtag_embedding(self, hashtags: Sequence[str]) -> HashtagEmbeddings:
        """The tag table's rows of hashtags, with or without `#`."""
        return await self._ask(questions.hashtag_embedding(hashtags))

    async def input_shapes(self, signature: str) -> dict[str, Shape]:
        """The inputs of a signature and their shapes, -1 for a dimension of any size."""
        response = await self._call("GetModelMetadata", _metadata_request(self.served))
        return _input_shapes(self.served, response, signature)

    async def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def _open(self) -> None:
        _check_address(self.served.server)
        self._channel: grpc.aio.Channel | None = None

    async def _ask(self, question: Question[AnswerT]) -> AnswerT:
        request = predict_request(self.served, question.signature, question.inputs)
        return question.read(_answered(self.served, await self._call("Predict", request)))

    async def _call(self, method: str, request: Any) -> Any:
        # A channel belongs to the event loop in which it is made, so it waits for the first call.
        if self._channel is None:
            options = _channel_options(self.served.attempts)
            self._channel = open_channel(grpc.aio, self.served, options)
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        try:
            return await getattr(stub, method)(request, timeout=self.served.timeout)
        except grpc.RpcError as error:
            raise _explained(self.served, error) from error


def open_channel(api: Any, served: ServedModel, options: Sequence[tuple[str, str | int]]) -> Any:
    """A channel to a model's server, connected by its first call.

    Args:
        api: `grpc` or `grpc.aio`.
        served: its `server` and `tls` are used.
        options: of the channel.

    Raises:
        UserError: the address is not one of gRPC.
    """
    _check_address(served.server)
    if served.tls is None:
        return api.insecure_channel(served.server, options)
    credentials = grpc.ssl_channel_credentials(*served.tls.contents())
    return api.secure_channel(served.server, credentials, options)


def predict_request(
    served: ServedModel, signature: str, inputs: Mapping[str, Column]
) -> predict_pb2.PredictRequest:
    """The message that runs a signature on columns of inputs."""
    message = predict_pb2.PredictRequest(model_spec=_model_spec(served))
    message.model_spec.signature_name = signature
    for name, column in inputs.items():
        message.inputs[name].CopyFrom(tensors.to_proto(_array(column), as_content=True))
    return message


def _check_address(server: str) -> None:
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
            f"the server's address {server!r} has the port {port!r}, which is not a number from 1 "
            f"to {_MAX_PORT}; give host:port"
        )


def _channel_options(attempts: int) -> list[tuple[str, str | int]]:
    """Retries, load balancing over all addresses of a name, and messages of any size.

    Names with several addresses are those of `dns:///` and of headless Services.
    """
    retry = {
        "maxAttempts": attempts,
        "initialBackoff": f"{base.FIRST_PAUSE_SECONDS}s",
        "maxBackoff": f"{base.LONGEST_PAUSE_SECONDS}s",
        "backoffMultiplier": base.BACKOFF,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": [{}], **({"retryPolicy": retry} if attempts > 1 else {})}],
    }
    return [
        ("grpc.service_config", json.dumps(config)),
        ("grpc.enable_retries", int(attempts > 1)),
        # A call larger than this buffer, 256 KiB by default, would not be retried.
        ("grpc.per_rpc_retry_buffer_size", _RETRY_BUFFER_BYTES),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]


def _model_spec(served: ServedModel) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=served.model)
    if served.version is not None:
        spec.version.value = served.version
    if served.version_label is not None:
        spec.version_label = served.version_label
    return spec


def _metadata_request(served: ServedModel) -> get_model_metadata_pb2.GetModelMetadataRequest:
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=_model_spec(served), metadata_field=["signature_def"]
    )


def _input_shapes(
    served: ServedModel, response: get_model_metadata_pb2.GetModelMetadataResponse, signature: str
) -> dict[str, Shape]:
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    if signature not in signatures.signature_def:
        raise served.missing_signature(signature, signatures.signature_def)
    return {
        name: tuple(dimension.size for dimension in info.tensor_shape.dim)
        for name, info in signatures.signature_def[signature].inputs.items()
    }


def _answered(served: ServedModel, response: predict_pb2.PredictResponse) -> Answered:
    outputs = {name: _column(proto) for name, proto in response.outputs.items()}
    return Answered(served.model, response.model_spec.version.value, outputs)


def _explained(served: ServedModel, error: grpc.RpcError) -> RequestError:
    return served.error(StatusCode[error.code().name], error.details() or "")


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
