"""Served models that the tests share."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme
from fake_servers import FakeRest, FakeService, grpc_server, rest_server
from serving_helpers import QUICK, WAIT, Stubs, save_hashtag_model

from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.versions import State


@pytest.fixture(scope="session")
def hashtag_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 of a hashtag model; the scores of 2 are higher by 1."""
    base = tmp_path_factory.mktemp("models") / "tags"
    save_hashtag_model(base, 1)
    save_hashtag_model(base, 2, offset=1.0)
    return base


@pytest.fixture(scope="session")
def tf_serving_testdata(real_data: Path) -> Path:
    folder = real_data / "tf_serving_testdata"
    if not folder.is_dir():
        pytest.skip(f"no TensorFlow Serving test models in {folder}: set TAGKERAS_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def tags_server(hashtag_models: Path) -> Iterator[ModelServer]:
    """Both versions of the hashtag model, as `tags`; version 1 is labelled `old`."""
    config = model_config.single_model("tags", str(hashtag_models))
    model = config.model_config_list.config[0]
    model.model_version_policy.all.SetInParent()
    with ModelServer(config, options=QUICK, rest_port=0) as server:
        for version in (1, 2):
            assert server.manager.wait_for_state("tags", version, State.AVAILABLE, WAIT)
        model.version_labels["old"] = 1
        server.manager.reload(config)
        yield server


@pytest.fixture(scope="session")
def tags_stubs(tags_server: ModelServer) -> Iterator[Stubs]:
    stubs = Stubs(tags_server.endpoint)
    yield stubs
    stubs.channel.close()


@pytest.fixture(scope="session")
def tags_url(tags_server: ModelServer) -> str:
    """The REST API of `tags_server`."""
    return f"http://{tags_server.rest_endpoint}"


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with grpc_server() as service:
        yield service


@pytest.fixture
def fake_rest() -> Iterator[FakeRest]:
    with rest_server() as server:
        yield server


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def tls_files(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """PEM files of the authority, and of a client's certificate and key."""
    folder = tmp_path_factory.mktemp("tls")
    client = authority.issue_cert("client@example.org")
    files = SimpleNamespace(
        ca=folder / "ca.pem", certificate=folder / "client.pem", key=folder / "client.key"
    )
    authority.cert_pem.write_to_path(files.ca)
    client.cert_chain_pems[0].write_to_path(files.certificate)
    client.private_key_pem.write_to_path(files.key)
    return files
