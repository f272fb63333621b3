"""The gRPC clients of a served hashtag model, for threads and for asyncio."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import grpc
import grpc.aio
import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving import tensors
from serving.client import base, questions
from serving.client.answers import (
    HashtagEmbeddings,
    Prediction,
    RequestError,
    ServedFact,
    StatusCode,
)
from serving.client.base import BlockingClient, ModelClient
from serving.client.questions import Answered, AnswerT, Column, Image, Input, Question, Signatures
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

    def signatures(self) -> Signatures:
        """The model's signatures, from its metadata."""
        return _signatures(self._call(self._stub.GetModelMetadata, _metadata_request(self)))

    def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        self._channel.close()

    def _open(self) -> None:
        self._channel = open_channel(grpc, self, channel_options(self.attempts))
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def _ask(self, question: Question[AnswerT]) -> AnswerT:
        request = predict_request(self, question.signature, question.inputs)
        return question.read(_answered(self, self._call(self._stub.Predict, request)))

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise _explained(self, error) from error


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

    async def inputs(self, signature: str) -> dict[str, Input]:
        """The inputs of a signature by name, from the model's metadata; or `UserError`."""
        return self.inputs_of(signature, await self._signatures())

    async def facts(self) -> list[ServedFact]:
        """The facts of users that the model takes, and what it knows of them."""
        signatures = await self._signatures()
        taken = questions.facts_taken(signatures)
        return await self._ask(questions.facts(taken)) if "facts" in signatures else taken

    async def close(self) -> None:
        """Closes the connection; calls under way are cancelled."""
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _open(self) -> None:
        _check_address(self.server)
        self._channel: grpc.aio.Channel | None = None

    async def _signatures(self) -> Signatures:
        return _signatures(await self._call("GetModelMetadata", _metadata_request(self)))

    async def _ask(self, question: Question[AnswerT]) -> AnswerT:
        request = predict_request(self, question.signature, question.inputs)
        return question.read(_answered(self, await self._call("Predict", request)))

    async def _call(self, method: str, request: Any) -> Any:
        # A channel belongs to the event loop in which it is made, so it waits for the first call.
        if self._channel is None:
            self._channel = open_channel(grpc.aio, self, channel_options(self.attempts))
        stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        try:
            return await getattr(stub, method)(request, timeout=self.timeout)
        except grpc.RpcError as error:
            raise _explained(self, error) from error


def open_channel(api: Any, client: ModelClient, options: Sequence[tuple[str, str | int]]) -> Any:
    """A channel of `grpc` or `grpc.aio`, not connected yet; `UserError` for a bad address."""
    _check_address(client.server)
    if client.tls is None:
        return api.insecure_channel(client.server, options)
    credentials = grpc.ssl_channel_credentials(*client.tls.contents())
    return api.secure_channel(client.server, credentials, options)


def predict_request(
    client: ModelClient, signature: str, inputs: Mapping[str, Column]
) -> predict_pb2.PredictRequest:
    """The message that runs a signature on columns of inputs."""
    message = predict_pb2.PredictRequest(model_spec=_model_spec(client))
    message.model_spec.signature_name = signature
    for name, column in inputs.items():
        message.inputs[name].CopyFrom(tensors.to_proto(_array(column), as_content=True))
    return message


def _check_address(server: str) -> None:
    if server.startswith(("http://", "https://")):
        raise UserError(
            f"{server} is a URL: gRPC takes host:port; RestHashtagClient asks the REST API"
        )
    _, _, port = server.rpartition(":")
    is_port = re.fullmatch("[0-9]{1,5}", port) and 1 <= int(port) <= _MAX_PORT
    if not is_port and not server.startswith("unix:"):
        raise UserError(
            f"the server's address {server!r} does not end with a port from 1 to {_MAX_PORT}; "
            "give host:port"
        )


def channel_options(attempts: int) -> list[tuple[str, str | int]]:
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


def _model_spec(client: ModelClient) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=client.model)
    if client.version is not None:
        spec.version.value = client.version
    if client.version_label is not None:
        spec.version_label = client.version_label
    return spec


def _metadata_request(client: ModelClient) -> get_model_metadata_pb2.GetModelMetadataRequest:
    return get_model_metadata_pb2.GetModelMetadataRequest(
        model_spec=_model_spec(client), metadata_field=["signature_def"]
    )


def _signatures(response: get_model_metadata_pb2.GetModelMetadataResponse) -> Signatures:
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    return {
        signature: {
            name: Input(
                info.dtype == types_pb2.DT_STRING,
                tuple(dimension.size for dimension in info.tensor_shape.dim),
            )
            for name, info in about.inputs.items()
        }
        for signature, about in signatures.signature_def.items()
    }


def _answered(client: ModelClient, response: predict_pb2.PredictResponse) -> Answered:
    outputs = {name: _column(proto) for name, proto in response.outputs.items()}
    return Answered(client.model, response.model_spec.version.value, outputs)


def _explained(client: ModelClient, error: grpc.RpcError) -> RequestError:
    return client.error(StatusCode[error.code().name], error.details() or "")


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
