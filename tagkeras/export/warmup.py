"""Warm-up requests: what a server answers before it takes traffic."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tagkeras.cli.errors import UserError
from tagkeras.export.user_inputs import UNKNOWN_USER, USER_INPUTS

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
# TensorFlow Serving refuses a model with more.
MAX_REQUESTS = 1000
_BUFFER_BYTES = 2**18
_GENERATED = 8
_GENERATED_SIZE = 480

Request = dict[str, tf.Tensor]


def generated_requests(descriptor_size: int | None) -> list[Request]:
    """Requests of one, two, four, ... noise images, or random descriptors, by unknown users.

    Args:
        descriptor_size: n for a model that takes descriptors; None for one that takes images.
    """
    rng = np.random.default_rng(0)
    requests = []
    for size in (1, 2, 4, _GENERATED):
        if descriptor_size is None:
            shape = (_GENERATED_SIZE, _GENERATED_SIZE, 3)
            pixels = rng.integers(0, 256, size=(size, *shape), dtype=np.uint8)
            content = {"image": tf.stack([tf.io.encode_jpeg(image) for image in pixels])}
        else:
            descriptors = rng.normal(size=(size, descriptor_size)).astype(np.float32)
            content = {"descriptor": tf.constant(descriptors)}
        requests.append({**content, **_users([{}] * size)})
    return requests


def requests_of_posts(path: Path, descriptor_size: int | None) -> list[Request]:
    """A request of each post of a JSON Lines file, images relative to its folder.

    Raises:
        UserError: the file or an image is missing, a line is no such post, or there are too many.
    """
    if not path.is_file():
        raise UserError(f"--warmup_posts={path}: no such file")
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not 0 < len(lines) <= MAX_REQUESTS:
        raise UserError(f"{path}: {len(lines)} posts; a server takes 1 to {MAX_REQUESTS} requests")
    requests = []
    for number, line in enumerate(lines, start=1):
        try:
            post = json.loads(line)
            if descriptor_size is None:
                content = {"image": tf.constant([(path.parent / post["image"]).read_bytes()])}
            else:
                content = {"descriptor": tf.constant([post["descriptor"]], tf.float32)}
                content["descriptor"].shape.assert_is_compatible_with([1, descriptor_size])
            requests.append({**content, **_users([post])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}, line {number}: no post to warm up with: {error}") from error
    return requests


def write(saved_model: Path, requests: Sequence[Request]) -> None:
    """Writes `assets.extra/tf_serving_warmup_requests` into a SavedModel.

    The model's name is left empty: a server replays them to the model that they lie in.
    """
    path = saved_model / FILE
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in requests:
            predict = predict_pb2.PredictRequest()
            predict.model_spec.signature_name = "serving_default"
            for name, tensor in request.items():
                predict.inputs[name].CopyFrom(tf.make_tensor_proto(tensor.numpy()))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=predict)
            )
            writer.write(log.SerializeToString())


def read(saved_model: Path) -> list[predict_pb2.PredictRequest]:
    """The requests that `write` wrote."""
    records = tf.data.TFRecordDataset(str(saved_model / FILE), buffer_size=_BUFFER_BYTES)
    return [
        prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        for record in records.as_numpy_iterator()
    ]


def _users(users: Sequence[dict[str, Any]]) -> Request:
    return {
        name: tf.constant(
            [UNKNOWN_USER[name] if user.get(name) is None else user[name] for user in users], dtype
        )
        for name, dtype in USER_INPUTS.items()
    }
