"""REST servers that the tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf
from rest_helpers import Client, WaitingManager, asking
from serving_helpers import QUICK

from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager


@pytest.fixture(scope="session")
def tags_manager(tags_server: ModelServer) -> ModelManager:
    """Both versions of the hashtag model, as `tags`; version 1 is labelled `old`."""
    return tags_server.manager


@pytest.fixture(scope="session")
def half_manager(tf_serving_testdata: Path) -> Iterator[ModelManager]:
    """Version 124 of y = x / 2 + 2, as `half`."""
    manager = ModelManager(QUICK)
    folder = tf_serving_testdata / "saved_model_half_plus_two_2_versions"
    manager.reload(model_config.single_model("half", str(folder)))
    yield manager
    manager.close()


@pytest.fixture(scope="session")
def echo_manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelManager]:
    """A model that answers what it is asked, as `echo`."""
    base = tmp_path_factory.mktemp("echo")
    types = {"d": tf.float64, "i": tf.int64, "u": tf.uint8, "b": tf.bool}
    photo = {"photo": tf.TensorSpec([None], tf.string)}
    specs = photo | {name: tf.TensorSpec([None], kind) for name, kind in types.items()}
    functions = {
        "serving_default": (lambda photo: {"photo_bytes": photo}, photo),
        "all_types": (lambda photo, **more: {"photo_bytes": photo, "text": photo, **more}, specs),
        "half": (lambda x: {"y": x / 2}, {"x": tf.TensorSpec([None], tf.float32)}),
        "half_pixels": (
            lambda x: {"y": tf.linalg.matmul(x, 0.5 * tf.eye(2))},
            {"x": tf.TensorSpec([None, 2, 2], tf.float32)},
        ),
        "complex": (
            lambda z: {"real": tf.math.real(z)},
            {"z": tf.TensorSpec([None], tf.complex64)},
        ),
    }
    signatures = {
        name: tf.function(function).get_concrete_function(**inputs)
        for name, (function, inputs) in functions.items()
    }
    tf.saved_model.save(tf.Module(), str(base / "1"), signatures=signatures)
    manager = ModelManager(QUICK)
    manager.reload(model_config.single_model("echo", str(base)))
    yield manager
    manager.close()


@pytest.fixture(scope="session")
def tags(tags_manager: ModelManager) -> Iterator[Client]:
    with asking(tags_manager) as client:
        yield client


@pytest.fixture(scope="session")
def half(half_manager: ModelManager) -> Iterator[Client]:
    with asking(half_manager) as client:
        yield client


@pytest.fixture(scope="session")
def echo(echo_manager: ModelManager) -> Iterator[Client]:
    with asking(echo_manager) as client:
        yield client


@pytest.fixture
def waiting_manager() -> Iterator[WaitingManager]:
    manager = WaitingManager()
    yield manager
    manager.release.set()
