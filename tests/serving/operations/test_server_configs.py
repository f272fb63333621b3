"""The server's flags and config files, as the embedded server reads them."""

import dataclasses
import re

import pytest
from operations_helpers import CONFIG, parse, server_arguments

from serving.server.batching import parameters
from serving.server.models import model_config
from serving.server.monitoring import monitoring_config
from serving.server.flags import refusal
from tagkeras.cli.errors import UserError

SOURCES = ("Dockerfile", "Deployment")


@pytest.mark.parametrize("source", SOURCES)
def test_every_flag_is_one_of_the_servers(source):
    config, unknown = parse(server_arguments(source))
    assert unknown == []
    assert config.allow_version_labels_for_unavailable_models  # for labels in the first file
    assert config.model_config_file_poll_wait_seconds > 0
    assert config.enable_grpc_healthcheck_service
    assert not config.enable_batching  # exports batch in their graphs


@pytest.mark.parametrize("source", SOURCES)
def test_a_flag_with_a_typo_is_not(source):
    arguments = [argument.replace("poll_wait", "pol_wait") for argument in server_arguments(source)]
    _, unknown = parse(arguments)
    assert "Unknown command line flag 'model_config_file_pol_wait_seconds'" in refusal(unknown)


def test_models():
    (model,) = model_config.read(CONFIG / "models.config").model_config_list.config
    assert model.name == "hashtags"
    assert model.base_path == "/models/hashtags"
    # Their numbers change with every rollout; a label of no version would keep servers from it.
    versions = model.model_version_policy.specific.versions
    assert {"stable", "canary"} <= set(model.version_labels)
    assert set(model.version_labels.values()) <= set(versions)


def test_batching():
    text = (CONFIG / "batching.config").read_text()
    written = dict(re.findall(r"^(\w+) { value: (\d+) }", text, re.MULTILINE))
    assert "max_batch_size" in written
    read = dataclasses.asdict(parameters.read(CONFIG / "batching.config"))
    for name, number in written.items():
        assert read[name] == int(number)


def test_monitoring():
    config = monitoring_config.read(CONFIG / "monitoring.config")
    assert config.enable
    assert config.path == monitoring_config.DEFAULT_PATH


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("models.config", model_config.read),
        ("batching.config", parameters.read),
        ("monitoring.config", monitoring_config.read),
    ],
)
def test_a_misspelt_field_is_refused(name, read, tmp_path):
    text = (CONFIG / name).read_text()
    for field in ("base_path", "max_batch_size", "enable"):
        text = text.replace(field, f"{field}x")
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match="no field named"):
        read(tmp_path / name)
