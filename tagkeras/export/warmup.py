"""Warm-up requests: what a server answers before it takes traffic."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tagkeras.cli.errors import UserError
from tagkeras.data.facts import Fact, to_columns
from tagkeras.data.posts import PostError, parse_descriptor
from tagkeras.data.posts_file import read_posts, refuse_bad_posts
from tagkeras.data.user import UNKNOWN_USER

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
# TensorFlow Serving refuses a model with more.
MAX_REQUESTS = 1000
# How the names of signatures end that take every fact as a text.
TEXT_FACTS = "text_facts"
_BUFFER_BYTES = 2**18
_GENERATED = 8
_GENERATED_SIZE = 480

Request = dict[str, np.ndarray]


def generated_requests(descriptor_size: int | None, facts: Sequence[Fact]) -> list[Request]:
    """Requests of 1, 2, 4 and 8 unknown users, with noise images or random descriptors [n]."""
    rng = np.random.default_rng(0)
    requests = []
    for size in (1, 2, 4, _GENERATED):
        if descriptor_size is None:
            shape = (_GENERATED_SIZE, _GENERATED_SIZE, 3)
            pixels = rng.integers(0, 256, size=(size, *shape), dtype=np.uint8)
            images = [tf.io.encode_jpeg(image).numpy() for image in pixels]
            content = {"image": np.array(images, object)}
        else:
            descriptors = rng.normal(size=(size, descriptor_size))
            content = {"descriptor": descriptors.astype(np.float32)}
        requests.append({**content, **to_columns([UNKNOWN_USER] * size, facts)})
    return requests


def requests_of_posts(
    path: Path, descriptor_size: int | None, facts: Sequence[Fact]
) -> list[Request]:
    """A request of each post of a file, with its image or, given a size n, its descriptor.

    The posts may lack users and hashtags; images are relative to the folder of the file.

    Raises:
        UserError: the file or an image is missing, a post cannot be used, or there are too many.
    """
    posts = read_posts(path, facts=facts, labelled=False)
    if len(posts) > MAX_REQUESTS:
        raise UserError(f"{path}: {len(posts)} posts; a server takes {MAX_REQUESTS} at most")
    requests: list[Request] = []
    errors: list[tuple[str, PostError]] = []
    for place, post, descriptor in posts:
        try:
            if descriptor_size is not None:
                content = {"descriptor": parse_descriptor(descriptor, descriptor_size)[np.newaxis]}
            else:
                content = {"image": np.array([_read_image(post.image, path.parent)], object)}
            requests.append({**content, **to_columns([post], facts)})
        except PostError as error:
            errors.append((place, error))
    refuse_bad_posts(path, errors, len(posts))
    return requests


def write(
    saved_model: Path, requests: Sequence[Request], signatures: Mapping[str, Sequence[str]]
) -> None:
    """Writes `assets.extra/tf_serving_warmup_requests` into a SavedModel.

    All requests go to `serving_default`, and the first one goes to `classify` and to each other
    signature, names of inputs by its name, whose inputs it has. The model's name is left empty: a
    server replays them to the model that they lie in.
    """
    path = saved_model / FILE
    path.parent.mkdir(exist_ok=True)
    calls = [("serving_default", request) for request in requests]
    for signature, names in sorted(signatures.items()):
        if signature != "serving_default" and requests[0].keys() >= set(names):
            of_text = _in_texts if signature.endswith(TEXT_FACTS) else np.asarray
            calls.append((signature, {name: of_text(requests[0][name]) for name in names}))
    calls.append(("classify", {"inputs": np.array([_first_example(requests[0])], object)}))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in calls[:MAX_REQUESTS]:
            predict = predict_pb2.PredictRequest()
            predict.model_spec.signature_name = signature
            for name, values in inputs.items():
                predict.inputs[name].CopyFrom(tf.make_tensor_proto(values))
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


def _in_texts(values: np.ndarray) -> np.ndarray:
    """Numbers [B] as texts, NaN as ""; all else as it is."""
    if values.ndim > 1 or values.dtype == object:
        return values
    return np.array(["" if value != value else f"{value:.9g}" for value in values], object)


def _first_example(request: Request) -> bytes:
    """The image or descriptor of the first row as a serialized tf.Example."""
    example = tf.train.Example()
    if "image" in request:
        example.features.feature["image"].bytes_list.value.append(request["image"][0])
    else:
        example.features.feature["descriptor"].float_list.value.extend(request["descriptor"][0])
    return bytes(example.SerializeToString())


def _read_image(image: str | bytes | None, folder: Path) -> bytes:
    if image is None:
        raise PostError("no_image", "the model takes images, not descriptors")
    if isinstance(image, bytes):
        return image
    try:
        return (folder / image).read_bytes()
    except OSError as error:
        raise PostError("image_missing", f"{image}: {error.strerror}") from error
