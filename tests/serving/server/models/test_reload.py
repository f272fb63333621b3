"""Configs over ModelService, as the original's tests and documents have them."""

import pytest
from grpc_helpers import (
    TWO_VERSIONS,
    Code,
    config_of,
    half,
    model,
    parsed,
    refused,
    reload,
    serving,
)
from serving_helpers import QUICK, WAIT, statuses
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError
from serving.server.flags import ManagerOptions
from serving.server.model_server import ModelServer
from serving.server.models.versions import State


@pytest.fixture
def folder(tf_serving_testdata):
    return tf_serving_testdata / TWO_VERSIONS


def test_models_come_and_go_and_come_again(tf_serving_testdata, folder):
    three = model(tf_serving_testdata / "saved_model_half_plus_three", name="three")
    with serving(model_server_config_pb2.ModelServerConfig()) as (server, stubs):
        with refused(Code.NOT_FOUND, "Latest(half)"):
            half(stubs)
        response = reload(stubs, config_of(three, model(folder)))
        assert (response.status.error_code, response.status.error_message) == (0, "")
        assert half(stubs) == (124, [3.0])  # the answer waited for it
        assert half(stubs, name="three") == (123, [4.0])
        reload(stubs, config_of(three))
        assert half(stubs, name="three") == (123, [4.0])
        assert server.manager.wait_for_state("half", 124, State.END, WAIT)
        with refused(Code.NOT_FOUND, "Latest(half)"):
            half(stubs)
        assert statuses(stubs, "half") == [(124, "END", 0)]
        reload(stubs, config_of(model(folder)))
        assert half(stubs) == (124, [3.0])
        bad = model(tf_serving_testdata / "bad_half_plus_two", name="bad")
        with refused(Code.UNKNOWN, "did not become available", "name: bad version: 123"):
            reload(stubs, config_of(model(folder), bad))
        assert half(stubs) == (124, [3.0])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Only ModelConfigList is currently supported"),
        (
            """model_config_list {
            config { name: "a" base_path: "/a" model_platform: "tensorflow" }
            config { name: "a" base_path: "/b" model_platform: "tensorflow" } }""",
            "Illegal to list model a multiple times",
        ),
        (
            'model_config_list { config { name: "a" base_path: "models/a" } }',
            "absolute path or URI; got base_path()=models/a",
        ),
        ('model_config_list { config { name: "a" base_path: "/a" } }', "Illegal setting neither"),
        (
            """model_config_list {
            config { name: "a" base_path: "/a" model_platform: "caffe" } }""",
            "unsupported platform caffe",
        ),
    ],
)
def test_configs_that_are_refused_change_nothing(tags_stubs, text, words):
    before = statuses(tags_stubs, "tags")
    with refused(Code.INVALID_ARGUMENT, words):
        reload(tags_stubs, parsed(text))
    assert statuses(tags_stubs, "tags") == before


def test_the_deprecated_model_type(folder):
    text = f'name: "half" base_path: "{folder}" model_type: TENSORFLOW'
    with serving(parsed(f"model_config_list {{ config {{ {text} }} }}")) as (_, stubs):
        assert half(stubs) == (124, [3.0])


@pytest.mark.parametrize(
    ("policy", "served"),
    [
        ("model_version_policy { all {} }", [124, 123]),
        ("model_version_policy { specific { versions: 123 versions: 9 } }", [123]),
    ],
)
def test_version_policies(folder, policy, served):
    with serving(config_of(model(folder, more=policy))) as (server, stubs):
        for version in served:
            assert server.manager.wait_for_state("half", version, State.AVAILABLE, WAIT)
        assert statuses(stubs, "half") == [(version, "AVAILABLE", 0) for version in served]
        assert half(stubs)[0] == served[0]


def test_labels_move_only_to_available_versions(folder):
    both = "model_version_policy { all {} } "
    label = 'version_labels {{ key: "{}" value: {} }} '.format
    with serving(config_of(model(folder, more=both))) as (server, stubs):
        for version in (123, 124):
            assert server.manager.wait_for_state("half", version, State.AVAILABLE, WAIT)
        with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: stable"):
            half(stubs, label="stable")
        named = both + label("stable", 123) + label("canary", 124)
        reload(stubs, config_of(model(folder, more=named)))
        assert half(stubs, label="stable") == (123, [3.0])
        assert half(stubs, label="canary") == (124, [3.0])
        # Both to the same version: the canary is promoted.
        named = both + label("stable", 124) + label("canary", 124)
        reload(stubs, config_of(model(folder, more=named)))
        assert half(stubs, label="stable") == (124, [3.0])
        with refused(
            Code.FAILED_PRECONDITION,
            "Request to assign label to version 125 of model half, which is not currently "
            "available for inference",
        ):
            reload(stubs, config_of(model(folder, more=both + label("stable", 125))))
        assert half(stubs, label="canary") == (124, [3.0])
        reload(stubs, config_of(model(folder, more=both)))
        with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: canary"):
            half(stubs, label="canary")


def test_labels_in_the_first_config_need_the_flag(folder):
    config = config_of(model(folder, more='version_labels { key: "stable" value: 124 }'))
    options = ManagerOptions(
        file_system_poll_wait_seconds=0, allow_version_labels_for_unavailable_models=True
    )
    with serving(config, options=options) as (_, stubs):
        assert half(stubs, label="stable") == (124, [3.0])
    with pytest.raises(ServingError, match="not currently available for inference"):
        ModelServer(config, options=QUICK).__enter__()
