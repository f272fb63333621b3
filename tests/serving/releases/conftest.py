"""Versions that rank differently, and a server of them."""

import pytest
from release_helpers import save_ranking_model
from serving_helpers import QUICK, WAIT

from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.versions import State

FIRST = [["a", "b", "c"], ["a", "b", "d"], ["b", "c", "d"], ["d", "e", "b"]]
SECOND = [["b", "a", "c"], ["c", "a", "b"], ["a", "b", "c"], ["d", "e", "a"]]


@pytest.fixture(scope="session")
def ranking_models(tmp_path_factory):
    """Version 3 is 2 but for the last row, on which it fails."""
    base = tmp_path_factory.mktemp("rankings") / "tags"
    save_ranking_model(base, 1, FIRST)
    save_ranking_model(base, 2, SECOND)
    save_ranking_model(base, 3, SECOND[:3])
    return base


@pytest.fixture(scope="session")
def ranking_server(ranking_models):
    config = model_config.single_model("tags", str(ranking_models))
    model = config.model_config_list.config[0]
    model.model_version_policy.all.SetInParent()
    with ModelServer(config, options=QUICK, rest_port=0) as server:
        for version in (1, 2, 3):
            assert server.manager.wait_for_state("tags", version, State.AVAILABLE, WAIT)
        model.version_labels.update({"stable": 1, "canary": 2, "broken": 3})
        server.manager.reload(config)
        yield server
