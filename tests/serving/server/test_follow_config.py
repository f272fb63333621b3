"""A model config file that changes while its models are served."""

import logging
import threading

import pytest
from serving_helpers import QUICK, WAIT

from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from serving.server.models.versions import State
from serving.server.serve import follow_config

CONFIG = """model_config_list {{ config {{
    name: "tags" base_path: "{}" model_platform: "tensorflow" {} }} }}"""
OLD = "model_version_policy { specific { versions: 1 } }"


class Complaints(logging.Handler):
    """Waits for log records of errors."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.messages = []
        self._changed = threading.Condition()

    def emit(self, record):
        with self._changed:
            self.messages.append(record.getMessage())
            self._changed.notify_all()

    def wait_for(self, words):
        with self._changed:
            return self._changed.wait_for(
                lambda: any(words in message for message in self.messages), WAIT
            )


@pytest.fixture
def complaints():
    handler = Complaints()
    logger = logging.getLogger("serving.server.serve")
    logger.addHandler(handler)
    yield handler
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

        replace(path, "model_config_list { config {")
        assert complaints.wait_for(f"cannot parse the config file {path}")
        path.unlink()
        assert complaints.wait_for("cannot read")
        replace(path, CONFIG.format("models/tags", ""))
        assert complaints.wait_for("absolute path or URI; got base_path()=models/tags")
        replace(path, CONFIG.format(hashtag_models, 'version_labels { key: "x" value: 9 }'))
        assert complaints.wait_for("Request to assign label to version 9 of model tags")
        replace(path, "")
        assert complaints.wait_for("Cannot transition to requested config")
        assert manager.wait_for_state("tags", 2, State.AVAILABLE, 0)
        assert len(complaints.messages) == 5  # each is said once

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
