"""REST servers that the tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_helpers import Client, WaitingManager
from serving_helpers import QUICK, WAIT

from serving.models import model_config
from serving.models.model_manager import ModelManager
from serving.models.version_policy import State
from serving.rest_api.rest_server import RestServer


@pytest.fixture(scope="session")
def tags_manager(hashtag_models: Path) -> Iterator[ModelManager]:
    """Both versions of the hashtag model, as `tags`; version 1 is labelled `old`."""
    config = model_config.single_model("tags", str(hashtag_models))
    model = config.model_config_list.config[0]
    model.model_version_policy.all.SetInParent()
    manager = ModelManager(QUICK)
    manager.reload(config)
    for version in (1, 2):
        assert manager.wait_for_state("tags", version, State.AVAILABLE, WAIT)
    model.version_labels["old"] = 1
    manager.reload(config)
    yield manager
    manager.close()


@pytest.fixture(scope="session")
def half_manager(tf_serving_testdata: Path) -> Iterator[ModelManager]:
    """Version 124 of y = x / 2 + 2, as `half`."""
    manager = ModelManager(QUICK)
    folder = tf_serving_testdata / "saved_model_half_plus_two_2_versions"
    manager.reload(model_config.single_model("half", str(folder)))
    yield manager
    manager.close()


def _client(manager: ModelManager, **options: object) -> Iterator[Client]:
    server = RestServer(manager, **options)
    server.start()
    client = Client(server.port)
    yield client
    client.close()
    server.stop(grace=WAIT)


@pytest.fixture(scope="session")
def tags(tags_manager: ModelManager) -> Iterator[Client]:
    yield from _client(tags_manager)


@pytest.fixture(scope="session")
def half(half_manager: ModelManager) -> Iterator[Client]:
    yield from _client(half_manager)


@pytest.fixture
def waiting_manager() -> Iterator[WaitingManager]:
    manager = WaitingManager()
    yield manager
    manager.release.set()


@pytest.fixture
def one_thread(waiting_manager: WaitingManager) -> Iterator[RestServer]:
    """A server that answers one request at a time."""
    server = RestServer(waiting_manager, num_threads=1)
    server.start()
    yield server
    waiting_manager.release.set()
    server.stop(grace=WAIT)
