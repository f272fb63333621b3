"""What the original's tests and documents say of configs, asked of a server over sockets."""

import pytest
from original_helpers import (
    TWO_VERSIONS,
    Code,
    config_of,
    model,
    parsed,
    predict,
    refused,
    reload,
    serving,
)
from serving_helpers import QUICK, WAIT, statuses
from tensorflow_serving.config import model_server_config_pb2

from serving.server.model_server import ModelServer
from serving.server.models.managed_version import ManagerOptions
from serving.server.models.version_policy import State


class TestReload:
    """server_core_test and serving_config.md."""

    @pytest.fixture
    def folder(self, tf_serving_testdata):
        return tf_serving_testdata / TWO_VERSIONS

    def test_a_server_without_models_takes_one(self, folder):
        with serving(model_server_config_pb2.ModelServerConfig()) as (_, stubs):
            with refused(Code.NOT_FOUND, "Latest(half)"):
                predict(stubs)
            response = reload(stubs, config_of(model(folder)))
            assert response.status.error_code == 0
            assert response.status.error_message == ""
            assert predict(stubs) == (124, [3.0])

    def test_a_model_unloaded_and_loaded_again(self, folder):
        with serving(config_of(model(folder))) as (server, stubs):
            reload(stubs, parsed("model_config_list {}"))
            assert server.manager.wait_for_state("half", 124, State.END, WAIT)
            with refused(Code.NOT_FOUND, "Latest(half)"):
                predict(stubs)
            assert statuses(stubs, "half") == [(124, "END", 0)]
            reload(stubs, config_of(model(folder)))
            assert predict(stubs) == (124, [3.0])

    def test_models_that_stay_answer_while_others_change(self, tf_serving_testdata, folder):
        three = model(tf_serving_testdata / "saved_model_half_plus_three", name="three")
        with serving(config_of(model(folder))) as (_, stubs):
            reload(stubs, config_of(three, model(folder)))
            assert predict(stubs) == (124, [3.0])
            assert predict(stubs, name="three") == (123, [4.0])
            reload(stubs, config_of(three))
            assert predict(stubs, name="three") == (123, [4.0])

    def test_an_erroring_model_leaves_the_others(self, tf_serving_testdata, folder):
        bad = model(tf_serving_testdata / "bad_half_plus_two", name="bad")
        with serving(config_of(model(folder))) as (_, stubs):
            with refused(Code.UNKNOWN, "did not become available", "name: bad version: 123"):
                reload(stubs, config_of(model(folder), bad))
            assert predict(stubs) == (124, [3.0])

    def test_the_deprecated_model_type(self, folder):
        config = parsed(
            f'model_config_list {{ config {{ name: "half" base_path: "{folder}" '
            "model_type: TENSORFLOW } }"
        )
        with serving(config) as (_, stubs):
            assert predict(stubs) == (124, [3.0])
            config.model_config_list.config[0].model_platform = "tensorflow"
            with refused(Code.INVALID_ARGUMENT, "Illegal setting both"):
                reload(stubs, config)
            config.model_config_list.config[0].model_platform = ""
            config.model_config_list.config[0].model_type = 2
            with refused(Code.INVALID_ARGUMENT, "model_type choice 2 not supported"):
                reload(stubs, config)

    def test_another_kind_of_config(self, folder):
        with serving(config_of(model(folder))) as (_, stubs):
            with refused(Code.INVALID_ARGUMENT, "Only ModelConfigList is currently supported"):
                reload(stubs, parsed("custom_model_config {}"))
            assert predict(stubs) == (124, [3.0])

    @pytest.mark.parametrize(
        ("policy", "served"),
        [
            ("", [124]),
            ("model_version_policy { latest {} }", [124]),
            ("model_version_policy { latest { num_versions: 2 } }", [124, 123]),
            ("model_version_policy { all {} }", [124, 123]),
            ("model_version_policy { specific { versions: 123 } }", [123]),
            ("model_version_policy { specific { versions: 123 versions: 9 } }", [123]),
        ],
    )
    def test_version_policies(self, folder, policy, served):
        with serving(config_of(model(folder, more=policy))) as (server, stubs):
            for version in served:
                assert server.manager.wait_for_state("half", version, State.AVAILABLE, WAIT)
            assert statuses(stubs, "half") == [(version, "AVAILABLE", 0) for version in served]
            assert predict(stubs)[0] == served[0]

    def test_a_policy_that_goes_back(self, folder):
        with serving(config_of(model(folder))) as (server, stubs):
            back = "model_version_policy { specific { versions: 123 } }"
            reload(stubs, config_of(model(folder, more=back)))
            assert server.manager.wait_for_state("half", 124, State.END, WAIT)
            assert predict(stubs) == (123, [3.0])

    def test_labels(self, folder):
        both = "model_version_policy { all {} } "
        labels = 'version_labels {{ key: "{}" value: {} }} '.format
        with serving(config_of(model(folder, more=both))) as (server, stubs):
            for version in (123, 124):
                assert server.manager.wait_for_state("half", version, State.AVAILABLE, WAIT)
            with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: stable"):
                predict(stubs, label="stable")
            named = both + labels("stable", 123) + labels("canary", 124)
            reload(stubs, config_of(model(folder, more=named)))
            assert predict(stubs, label="stable") == (123, [3.0])
            assert predict(stubs, label="canary") == (124, [3.0])
            # Both to the same version: the canary is promoted.
            named = both + labels("stable", 124) + labels("canary", 124)
            reload(stubs, config_of(model(folder, more=named)))
            assert predict(stubs, label="stable") == (124, [3.0])
            with refused(
                Code.FAILED_PRECONDITION,
                "Request to assign label to version 125 of model half, which is not currently "
                "available for inference",
            ):
                reload(stubs, config_of(model(folder, more=both + labels("stable", 125))))
            assert predict(stubs, label="canary") == (124, [3.0])
            reload(stubs, config_of(model(folder, more=both)))
            with refused(Code.INVALID_ARGUMENT, "Unrecognized servable version label: canary"):
                predict(stubs, label="canary")

    def test_labels_in_the_first_config_need_the_flag(self, folder):
        config = config_of(model(folder, more='version_labels { key: "stable" value: 124 }'))
        options = ManagerOptions(
            file_system_poll_wait_seconds=0, allow_version_labels_for_unavailable_models=True
        )
        with serving(config, options=options) as (_, stubs):
            assert predict(stubs, label="stable") == (124, [3.0])
        with pytest.raises(Exception, match="not currently available for inference"):
            ModelServer(config, options=QUICK).__enter__()
