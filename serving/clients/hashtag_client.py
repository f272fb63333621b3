"""The gRPC client of a served hashtag model, behind the embedded server or TensorFlow Serving."""

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving import tensors
from serving.tensors import Array
from tagkeras.data.user import User
from tagkeras.errors import UserError

Image = bytes | str | os.PathLike[str]
ItemT = TypeVar("ItemT")

_MAX_ATTEMPTS = 5  # the most that gRPC allows
_RETRY_BUFFER_BYTES = 2**30


@dataclasses.dataclass(frozen=True)
class Hashtag:
    """A hashtag, without `#`, and the model's score for it (higher is better, no probability)."""

    hashtag: str
    score: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """The hashtags of one image and user, best first, and the model version that answered."""

    model: str
    version: int
    hashtags: tuple[Hashtag, ...]


@dataclasses.dataclass(frozen=True)
class HashtagEmbeddings:
    """Rows of the tag table: `embedding` float [B, d]; `known` bool [B], in the vocabulary."""

    embedding: Array
    known: Array


class RequestError(UserError):
    """A call that failed, in one line that says what to do.

    Attributes:
        code: the gRPC status.
        details: the server's (or gRPC's) own words.
    """

    def __init__(self, message: str, code: grpc.StatusCode, details: str) -> None:
        super().__init__(message)
        self.code = code
        self.details = details


class HashtagClient:
    """Asks a served model for hashtags and embeddings. Thread-safe.

    Calls that find the server unavailable are repeated after growing pauses (0.1 s to 0.8 s), at
    most 4 times; others never. What is unknown of a user is sent as the model expects it (NaN, "").

    Example:
        with HashtagClient("localhost:8500", "tags") as client:
            (answer,) = client.predict(["ball.jpg"], [User(age=30, country="GB")])
            print(answer.hashtags[0].hashtag)

    Args:
        server: `host:port` of the gRPC API.
        model: the model's name.
        version: ask this version; by default the newest.
        version_label: ask the version with this label, instead of `version`.
        timeout: seconds that a call may take, repeats included.
        attempts: how often a call is tried while the server is unavailable, 1 to 5.
    """

    def __init__(
        self,
        server: str,
        model: str,
        *,
        version: int | None = None,
        version_label: str | None = None,
        timeout: float = 30.0,
        attempts: int = _MAX_ATTEMPTS,
    ) -> None:
        if version is not None and version_label is not None:
            raise UserError("ask for a version or for a version label, not for both")
        if not 1 <= attempts <= _MAX_ATTEMPTS:
            raise UserError(f"attempts must be 1 to {_MAX_ATTEMPTS}, got {attempts}")
        self._server = server
        self._model = model
        self._version = version
        self._version_label = version_label
        self._timeout = timeout
        self._channel = grpc.insecure_channel(server, options=_channel_options(attempts))
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def predict(
        self, images: Sequence[Image], users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """Hashtags of images for users, pairwise, in one call.

        Args:
            images: encoded images (bytes) or paths of image files; one is asked for every user.
            users: as many as images; one is asked about every image.

        Returns:
            A prediction for each pair.

        Raises:
            UserError: a file cannot be read, or the numbers of images and users do not go together.
            RequestError: the call failed; an image that cannot be decoded fails it.
        """
        encoded, users = _paired([_image_bytes(image) for image in images], users, "images")
        return self._predict("serving_default", {"image": _strings(encoded), **_user_inputs(users)})

    def predict_descriptors(
        self, descriptors: Array, users: Sequence[User] = (User(),)
    ) -> list[Prediction]:
        """As `predict`, with image descriptors [B, n] in place of images."""
        rows, users = _paired(list(_descriptor_rows(descriptors)), users, "descriptors")
        return self._predict("descriptor", {"descriptor": np.stack(rows), **_user_inputs(users)})

    def image_embedding(
        self, images: Sequence[Image] | Array, users: Sequence[User] = (User(),)
    ) -> Array:
        """The embeddings phi(x, u), float [B, d], of images and users.

        Args:
            images: as for `predict`; for a model of ready descriptors an array [B, n] of them.
            users: as for `predict`.
        """
        if isinstance(images, np.ndarray):
            rows, users = _paired(list(_descriptor_rows(images)), users, "descriptors")
            inputs: dict[str, Array] = {"descriptor": np.stack(rows)}
        else:
            encoded, users = _paired([_image_bytes(image) for image in images], users, "images")
            inputs = {"image": _strings(encoded)}
        outputs = self._call("image_embedding", {**inputs, **_user_inputs(users)})
        return _output(outputs, "embedding")

    def user_embedding(self, users: Sequence[User]) -> Array:
        """The learned user vectors, float [B, h] (multiplicative models only)."""
        return _output(self._call("user_embedding", _user_inputs(users)), "embedding")

    def hashtag_embedding(self, hashtags: Sequence[str]) -> HashtagEmbeddings:
        """The tag table's rows of hashtags, which may be written with or without `#`."""
        names = _strings([hashtag.removeprefix("#").encode() for hashtag in hashtags])
        outputs = self._call("hashtag_embedding", {"hashtag": names})
        return HashtagEmbeddings(_output(outputs, "embedding"), _output(outputs, "known"))

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def __enter__(self) -> "HashtagClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _predict(self, signature: str, inputs: Mapping[str, Array]) -> list[Prediction]:
        response = self._call(signature, inputs)
        hashtags, scores = _output(response, "hashtags"), _output(response, "scores")
        version = response.model_spec.version.value
        return [
            Prediction(
                self._model,
                version,
                tuple(
                    Hashtag(tag.decode(), float(score))
                    for tag, score in zip(row_tags, row_scores, strict=True)
                ),
            )
            for row_tags, row_scores in zip(hashtags, scores, strict=True)
        ]

    def _call(self, signature: str, inputs: Mapping[str, Array]) -> predict_pb2.PredictResponse:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = signature
        if self._version is not None:
            request.model_spec.version.value = self._version
        if self._version_label is not None:
            request.model_spec.version_label = self._version_label
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(tensors.to_proto(value, as_content=True))
        try:
            return self._stub.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise self._explained(error.code(), error.details() or "") from error

    def _explained(self, code: grpc.StatusCode, details: str) -> RequestError:
        first_line = details.strip().split("\n")[0]
        match code:
            case grpc.StatusCode.UNAVAILABLE:
                message = f"no server answers at {self._server}; is it running? ({first_line})"
            case grpc.StatusCode.DEADLINE_EXCEEDED:
                message = f"{self._server} did not answer within {self._timeout:g} s"
            case grpc.StatusCode.NOT_FOUND:
                asked = "" if self._version is None else f" with version {self._version}"
                message = (
                    f"{self._server} serves no model {self._model!r}{asked}; "
                    f"check its name and versions ({first_line})"
                )
            case grpc.StatusCode.INVALID_ARGUMENT:
                message = f"the server refused the request: {first_line}"
            case _:
                message = f"the server failed with {code.name}: {first_line}"
        return RequestError(message, code, details)


def _channel_options(attempts: int) -> list[tuple[str, str | int]]:
    retry = {
        "maxAttempts": attempts,
        "initialBackoff": "0.1s",
        "maxBackoff": "0.8s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    config = {"methodConfig": [{"name": [{}], **({"retryPolicy": retry} if attempts > 1 else {})}]}
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


def _image_bytes(image: Image) -> bytes:
    if isinstance(image, bytes):
        return image
    try:
        return Path(image).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the image {image}: {error.strerror}") from error


def _descriptor_rows(descriptors: Array) -> Array:
    rows = np.asarray(descriptors, np.float32)
    if rows.ndim != 2:
        raise UserError(f"descriptors must be an array [B, n], got shape {rows.shape}")
    return rows


def _paired(
    items: Sequence[ItemT], users: Sequence[User], what: str
) -> tuple[Sequence[ItemT], Sequence[User]]:
    """Repeats a lone item or a lone user to the length of the other."""
    if not items or not users:
        raise UserError(f"no {what} to ask about" if not items else "no users to ask for")
    if len(items) == 1:
        items = list(items) * len(users)
    elif len(users) == 1:
        users = list(users) * len(items)
    if len(items) != len(users):
        raise UserError(
            f"{len(items)} {what} and {len(users)} users: give as many of both, or one of either"
        )
    return items, users


def _strings(values: Sequence[bytes]) -> Array:
    array = np.empty(len(values), np.object_)
    array[:] = values
    return array


def _user_inputs(users: Sequence[User]) -> dict[str, Array]:
    def numbers(values: Iterable[float | None]) -> Array:
        return np.array([np.nan if value is None else value for value in values], np.float32)

    def texts(values: Iterable[str | None]) -> Array:
        return _strings([(value or "").encode() for value in values])

    return {
        "age": numbers(user.age for user in users),
        "gender": texts(user.gender for user in users),
        "country": texts(user.country for user in users),
        "latitude": numbers(user.latitude for user in users),
        "longitude": numbers(user.longitude for user in users),
    }


def _output(response: predict_pb2.PredictResponse, name: str) -> Array:
    if name not in response.outputs:
        raise UserError(
            f"the model answered without {name!r} ({', '.join(sorted(response.outputs))}): it is "
            "no hashtag model as tagkeras.export writes it"
        )
    return tensors.from_proto(response.outputs[name])
