"""A model config file that changes while its models are served."""

import logging.handlers
import queue

import pytest
from serving_helpers import QUICK, WAIT

from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from serving.server.models.versions import State
from serving.server.serve import follow_config

CONFIG = """model_config_list {{ config {{
    name: "tags" base_path: "{}" model_platform: "tensorflow" {} }} }}"""
OLD = "model_version_policy { specific { versions: 1 } }"


@pytest.fixture
def complaints():
    """The errors that are logged, in their order."""
    records = queue.Queue()
    handler = logging.handlers.QueueHandler(records)
    handler.setLevel(logging.ERROR)
    logger = logging.getLogger("serving.server.serve")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


@pytest.fixture
def manager():
    made = ModelManager(QUICK)
    yield made
    made.close()


def replace(path, text):
    """Puts a new file in place in one step."""
    aside = path.with_suffix(".new")
    aside.write_text(text)
    aside.rename(path)


def test_a_changed_file_is_taken_over_and_a_broken_one_is_not(
    manager, hashtag_models, tmp_path, complaints
):
    path = tmp_path / "models.config"
    path.write_text(CONFIG.format(hashtag_models, OLD))
    manager.reload(model_config.read(path))
    with follow_config(manager, path, 0.02):
        replace(path, CONFIG.format(hashtag_models, ""))
        assert manager.wait_for_state("tags", 2, State.AVAILABLE, WAIT)
        assert manager.wait_for_state("tags", 1, State.END, WAIT)

        label = 'version_labels { key: "x" value: 9 }'
        for text, words in [
            ("model_config_list { config {", f"cannot parse the config file {path}"),
            (None, "cannot read"),
            (CONFIG.format("models/tags", ""), "absolute path or URI; got base_path()=models/tags"),
            (CONFIG.format(hashtag_models, label), "assign label to version 9 of model tags"),
            ("", "Cannot transition to requested config"),
        ]:
            if text is None:
                path.unlink()
            else:
                replace(path, text)
            assert words in complaints.get(timeout=WAIT).getMessage()
        assert manager.wait_for_state("tags", 2, State.AVAILABLE, 0)
        assert complaints.empty()  # each is said once

        replace(path, CONFIG.format(hashtag_models, OLD))
        assert manager.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        assert manager.wait_for_state("tags", 2, State.END, WAIT)


def test_it_ends_while_it_waits_for_a_model(manager, hashtag_models, tmp_path):
    path = tmp_path / "models.config"
    path.write_text(CONFIG.format(hashtag_models, OLD))
    manager.reload(model_config.read(path))
    (tmp_path / "empty").mkdir()
    with follow_config(manager, path, 0.02):
        other = CONFIG.format(tmp_path / "empty", "").replace("tags", "others", 1)
        replace(path, other)
        assert manager.wait_for_state("tags", 1, State.END, WAIT)
    assert manager.config.model_config_list.config[0].name == "others"
