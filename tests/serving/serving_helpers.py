"""A small model with the signatures of an exported hashtag model, and bare stubs to ask it."""

import io
import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving import tensors
from serving.server.flags import ManagerOptions
from serving.server.model_server import MESSAGE_OPTIONS
from serving.server.models.versions import State
from tagkeras.data.facts import FACTS

VOCABULARY = ("football", "soccer", "dog", "sunset", "tbt")
WAIT = 60.0  # seconds after which a wait has failed
QUICK = ManagerOptions(
    file_system_poll_wait_seconds=0.05, max_num_load_retries=0, load_retry_interval_micros=1000
)


def photo(brightness: int = 128, size: int = 8) -> bytes:
    """A grey PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), (brightness,) * 3).save(buffer, "png")
    return buffer.getvalue()


class HashtagModule(tf.Module):
    """score(tag) = bias(tag) + brightness + country match; `offset` tells versions apart.

    brightness (0 to 1) raises `sunset`, GB raises `football`, US raises `soccer`, each by 1, and a
    known age raises `tbt` by age/100.
    """

    def __init__(self, offset: float, vocabulary_file: Path) -> None:
        super().__init__()
        self.offset = tf.Variable(offset)
        self.bias = tf.Variable([0.3, 0.2, 0.1, 0.0, -0.1])
        self.asset = tf.saved_model.Asset(str(vocabulary_file))
        index = tf.lookup.TextFileIndex
        ids_by_line = tf.lookup.TextFileInitializer(
            self.asset, tf.string, index.WHOLE_LINE, tf.int64, index.LINE_NUMBER
        )
        self.table = tf.lookup.StaticHashTable(ids_by_line, -1)
        self.tags = tf.Variable(list(VOCABULARY), trainable=False)

    def _top(self, brightness, age, gender, country, latitude, longitude):
        known = tf.where(tf.math.is_nan(age), 0.0, age / 100)
        british, american = (tf.cast(country == code, tf.float32) for code in ("GB", "US"))
        gained = [british, american, tf.zeros_like(known), brightness, known]
        scores, ids = tf.math.top_k(self.bias + tf.stack(gained, axis=1) + self.offset, k=3)
        return {"hashtags": tf.gather(self.tags, ids), "scores": scores}

    def by_image(self, image, **user):
        def brightness(one):
            pixels = tf.io.decode_image(one, dtype=tf.float32, expand_animations=False)
            return tf.reduce_mean(pixels)

        bright = tf.map_fn(brightness, image, fn_output_signature=tf.float32)
        return self._top(bright, **user)

    def by_descriptor(self, descriptor, **user):
        return self._top(descriptor[:, 0], **user)

    def classify(self, inputs):
        features = {"image": tf.io.FixedLenFeature([], tf.string)}
        for fact in FACTS:
            kind = tf.string if fact.is_text else tf.float32
            features[fact.name] = tf.io.FixedLenFeature([], kind, fact.unknown)
        top = self.by_image(**tf.io.parse_example(inputs, features))
        return {"classes": top["hashtags"], "scores": top["scores"]}

    def user_embedding(self, age, gender, country, latitude, longitude):
        return {"embedding": tf.stack([age, latitude, longitude], axis=1)}

    def image_embedding(self, image, **user):
        return {"embedding": tf.fill([tf.shape(image)[0], 2], 0.5)}

    def hashtag_embedding(self, hashtag):
        ids = self.table.lookup(hashtag)
        known = ids >= 0
        rows = tf.gather(self.bias, tf.maximum(ids, 0))[:, tf.newaxis]
        return {"embedding": rows * tf.cast(known, tf.float32)[:, tf.newaxis], "known": known}

    def slow(self, steps):
        """Adds up for as many steps, a loop that a deadline can stop."""
        zero = tf.constant(0, tf.int64)
        return {"total": tf.while_loop(lambda i: i < steps, lambda i: (i + 1,), [zero])[0]}


def save_hashtag_model(base: Path, version: int, offset: float = 0.0) -> Path:
    """Writes `base/version`, complete from its first moment on."""
    vocabulary = base / ".vocabulary.txt"
    base.mkdir(parents=True, exist_ok=True)
    vocabulary.write_text("\n".join(VOCABULARY) + "\n")
    module = HashtagModule(offset, vocabulary)
    text, number = tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.float32)
    user = {fact.name: text if fact.is_text else number for fact in FACTS}
    descriptor = {"descriptor": tf.TensorSpec([None, 4], tf.float32)}
    signatures = {
        "serving_default": (module.by_image, {"image": text, **user}),
        "descriptor": (module.by_descriptor, descriptor | user),
        "classify": (module.classify, {"inputs": text}),
        "user_embedding": (module.user_embedding, user),
        "image_embedding": (module.image_embedding, {"image": text, **user}),
        "hashtag_embedding": (module.hashtag_embedding, {"hashtag": text}),
        "slow": (module.slow, {"steps": tf.TensorSpec([], tf.int64)}),
    }
    concrete = {
        name: tf.function(method).get_concrete_function(**specs)
        for name, (method, specs) in signatures.items()
    }
    aside = base / f".{version}.tmp"
    tf.saved_model.save(module, str(aside), signatures=concrete)
    return aside.rename(base / str(version))


def run_command(module: str, *flags: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command in a process of its own until it ends."""
    command = [sys.executable, "-m", module, *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


def unknown_facts(count: int) -> dict[str, np.ndarray]:
    """The inputs that describe so many users of whom nothing is known."""
    number, text = np.full(count, np.nan, np.float32), np.full(count, b"", object)
    return {fact.name: text if fact.is_text else number for fact in FACTS}


def photo_request(*images: bytes) -> predict_pb2.PredictRequest:
    """A request for the hashtags of photos, a white one by default, for unknown users."""
    images = images or (photo(255),)
    request = predict_pb2.PredictRequest(model_spec={"name": "tags"})
    inputs = {"image": np.array(images, object), **unknown_facts(len(images))}
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tensors.to_proto(value))
    return request


class Stubs:
    """Bare stubs of both services of a server."""

    def __init__(self, endpoint: str) -> None:
        self.channel = grpc.insecure_channel(endpoint, options=MESSAGE_OPTIONS)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)


def statuses(stubs: Stubs, name: str, version: int | None = None) -> list[tuple[int, str, int]]:
    """Versions of a model, or one of them, with their states and error codes, as a server says."""
    request = get_model_status_pb2.GetModelStatusRequest(model_spec={"name": name})
    if version is not None:
        request.model_spec.version.value = version
    return [
        (entry.version, State(entry.state).name, entry.status.error_code)
        for entry in stubs.model.GetModelStatus(request).model_version_status
    ]


def samples(page: str, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a metric, by the values of their labels in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }


def pem(certificate: Any) -> tuple[str, str]:
    """The key and the chain of a certificate that trustme has issued."""
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return certificate.private_key_pem.bytes().decode(), chain.decode()


def write_ssl_config(
    folder: Path, key: str = "", cert: str = "", authority: str = "", *, verify: bool = False
) -> Path:
    """An ascii SSLConfig in a folder."""
    path = folder / "ssl.config"
    lines = [
        f'{name}: "{text_format.text_encoding.CEscape(text.encode(), as_utf8=False)}"'
        for name, text in [("server_key", key), ("server_cert", cert), ("custom_ca", authority)]
        if text
    ]
    path.write_text("\n".join([*lines, f"client_verify: {str(verify).lower()}"]))
    return path


def mutated(body: bytes, rng: random.Random, pieces: Sequence[bytes] = ()) -> bytes:
    """A body with parts replaced at random by pieces, by parts of itself or by any bytes."""
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(body) + 1)
        end = min(len(body), start + rng.choice([0, 0, 1, 1, 2, 8]))
        piece = rng.choice([*pieces, b"", body[: rng.randrange(20)], rng.randbytes(2)])
        body = body[:start] + piece + body[end:]
    return body
