"""Loading, swapping and unloading of versions, and ModelService, over a socket."""

import contextlib
import shutil
import threading
import weakref
from concurrent import futures

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from serving_helpers import QUICK, WAIT, Stubs, photo, save_hashtag_model, statuses
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from serving import HashtagClient
from serving.server.errors import ServingError
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.managed_version import ManagerOptions
from serving.server.models.model_manager import ModelManager
from serving.server.models.version_policy import State
from serving.server.models.warmup import MAX_RECORDS

Code = grpc.StatusCode


def copy_version(source, base, version):
    """Puts a model in place in one step."""
    base.mkdir(exist_ok=True)
    aside = base / f".{version}.tmp"
    shutil.copytree(source, aside)
    return aside.rename(base / str(version))


def spec(name="tags", version=None):
    message = model_pb2.ModelSpec(name=name)
    if version is not None:
        message.version.value = version
    return message


def parsed(text):
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


@contextlib.contextmanager
def manager(options=QUICK):
    made = ModelManager(options)
    try:
        yield made
    finally:
        made.close()


def test_swaps_under_load_lose_and_mix_up_nothing(hashtag_models, tmp_path):
    base = tmp_path / "tags"
    copy_version(hashtag_models / "1", base, 1)
    answers, stopping = [], threading.Event()

    def ask(client):
        while not stopping.is_set():
            answers.extend(client.predict([photo(0)]))

    with ModelServer(model_config.single_model("tags", str(base)), options=QUICK) as server:
        with contextlib.ExitStack() as stack:
            pool = stack.enter_context(futures.ThreadPoolExecutor(8))
            stack.callback(stopping.set)
            calls = []
            for _ in range(8):
                # An attempt each: a call that fails is not hidden by a second one.
                client = HashtagClient(server.endpoint, "tags", attempts=1)
                calls.append(pool.submit(ask, stack.enter_context(client)))
            for version in range(2, 7):
                copy_version(hashtag_models / str(2 - version % 2), base, version)
                assert server.manager.wait_for_state("tags", version, State.AVAILABLE, WAIT)
                assert server.manager.wait_for_state("tags", version - 1, State.END, WAIT)
            stopping.set()
            for call in calls:
                call.result()
        assert statuses(Stubs(server.endpoint), "tags") == [
            (6, "AVAILABLE", 0),
            *((version, "END", 0) for version in (5, 4, 3, 2, 1)),
        ]
    assert {answer.version for answer in answers} == {1, 2, 3, 4, 5, 6}
    for answer in answers:
        # Even versions are copies of the model whose scores are higher by 1.
        expected = 0.3 + (answer.version % 2 == 0)
        assert answer.hashtags[0].score == pytest.approx(expected)


def test_a_call_under_way_keeps_its_version(hashtag_models, tmp_path):
    base = tmp_path / "tags"
    copy_version(hashtag_models / "1", base, 1)
    with manager() as models:
        models.reload(model_config.single_model("tags", str(base)))
        with models.serving(spec()) as servable:
            copy_version(hashtag_models / "2", base, 2)
            assert models.wait_for_state("tags", 2, State.AVAILABLE, WAIT)
            assert models.wait_for_state("tags", 1, State.UNLOADING, WAIT)
            with models.serving(spec()) as newer:
                assert newer.version == 2
            with pytest.raises(ServingError, match=r"Specific\(tags, 1\)"):
                models.serving(spec(version=1)).__enter__()
            tag = servable.signatures["hashtag_embedding"]
            (known,) = servable.run(
                {tag.inputs["hashtag"].name: tf.constant(["dog"]).numpy()},
                [tag.outputs["known"].name],
            )
            assert known.tolist() == [True]
        assert models.wait_for_state("tags", 1, State.END, WAIT)


def test_a_broken_new_version_leaves_the_old_one_serving(hashtag_models, tmp_path):
    base = tmp_path / "tags"
    copy_version(hashtag_models / "1", base, 1)
    with ModelServer(model_config.single_model("tags", str(base)), options=QUICK) as server:
        stubs = Stubs(server.endpoint)
        broken = tmp_path / "broken"
        shutil.copytree(hashtag_models / "2", broken)
        (broken / "variables" / "variables.data-00000-of-00001").write_bytes(b"")
        broken.rename(base / "2")
        assert server.manager.wait_for_state("tags", 2, State.END, WAIT)
        (version, state, code), old = statuses(stubs, "tags")
        assert (version, state) == (2, "END")
        assert code != 0
        assert old == (1, "AVAILABLE", 0)
        with HashtagClient(server.endpoint, "tags") as client:
            assert client.predict([photo()])[0].version == 1

        copy_version(hashtag_models / "2", base, 3)
        assert server.manager.wait_for_state("tags", 3, State.AVAILABLE, WAIT)
        assert server.manager.wait_for_state("tags", 1, State.END, WAIT)

        # Taking the newest away goes back to the one before it, tried anew.
        shutil.rmtree(base / "2")
        shutil.rmtree(base / "3")
        assert server.manager.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        assert server.manager.wait_for_state("tags", 3, State.END, WAIT)  # which goes after that
        with HashtagClient(server.endpoint, "tags") as client:
            assert client.predict([photo()])[0].version == 1


def test_a_version_is_tried_again(hashtag_models, tmp_path):
    base = tmp_path / "tags"
    (base / "1").mkdir(parents=True)
    options = ManagerOptions(
        file_system_poll_wait_seconds=0.05,
        max_num_load_retries=1_000_000,
        load_retry_interval_micros=50_000,
    )
    with manager(options) as models:
        starter = threading.Thread(
            target=models.reload, args=[model_config.single_model("tags", str(base))]
        )
        starter.start()
        assert models.wait_for_state("tags", 1, State.LOADING, WAIT)
        shutil.copytree(hashtag_models / "1", base / "1", dirs_exist_ok=True)
        assert models.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        starter.join()


def test_the_start_fails_if_a_model_does_not_load(tmp_path, tf_serving_testdata):
    base = tf_serving_testdata / "bad_half_plus_two"
    server = ModelServer(model_config.single_model("bad", str(base)), options=QUICK)
    with pytest.raises(ServingError) as caught:
        server.__enter__()
    assert caught.value.code is Code.UNKNOWN
    assert caught.value.message.startswith(
        "1 model(s) did not become available: {{{name: bad version: 123} due to error: NOT_FOUND: "
        "Could not find SavedModel .pb or .pbtxt"
    )


def test_a_folder_without_versions_when_looked_at_once(tmp_path):
    with (
        manager(ManagerOptions(file_system_poll_wait_seconds=0)) as models,
        pytest.raises(ServingError, match="Unable to find a numerical version path"),
    ):
        models.reload(model_config.single_model("tags", str(tmp_path)))


def test_a_folder_that_is_absent_when_looked_at_once(tmp_path):
    with (
        manager(ManagerOptions(file_system_poll_wait_seconds=0)) as models,
        pytest.raises(ServingError, match="Could not find base path .*absent for servable tags"),
    ):
        models.reload(model_config.single_model("tags", str(tmp_path / "absent")))


def test_a_folder_that_comes_later(hashtag_models, tmp_path):
    base = tmp_path / "tags"
    with manager() as models:
        starter = threading.Thread(
            target=models.reload, args=[model_config.single_model("tags", str(base))]
        )
        starter.start()
        copy_version(hashtag_models / "1", base, 1)
        assert models.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        starter.join()


def test_nothing_of_an_unloaded_version_stays(hashtag_models):
    with manager() as models:
        models.reload(model_config.single_model("tags", str(hashtag_models)))
        with models.serving(spec()) as servable:
            graph = weakref.ref(servable._graph)
            assert graph() is not None
        del servable
        models.reload(parsed("model_config_list {}"))
        assert models.wait_for_state("tags", 2, State.END, WAIT)
        assert graph() is None


def test_waiting_for_a_model_that_never_comes_can_be_called_off(tmp_path):
    with manager() as models:
        looks = iter([False, False, True])
        models.reload(
            model_config.single_model("tags", str(tmp_path / "absent")), lambda: next(looks)
        )
        assert next(looks, "used up") == "used up"


class TestReload:
    """ModelService over a socket."""

    @pytest.fixture
    def server(self, hashtag_models):
        config = parsed(
            f"""model_config_list {{ config {{
                name: "tags" base_path: "{hashtag_models}" model_platform: "tensorflow"
                model_version_policy {{ specific {{ versions: 1 }} }} }} }}"""
        )
        with ModelServer(config, options=QUICK) as server:
            yield server

    @pytest.fixture
    def stubs(self, server):
        return Stubs(server.endpoint)

    def reload(self, stubs, text):
        request = model_management_pb2.ReloadConfigRequest(config=parsed(text))
        response = stubs.model.HandleReloadConfigRequest(request, timeout=WAIT)
        assert response.status.error_code == 0

    def refused(self, stubs, code, words, text):
        with pytest.raises(grpc.RpcError) as caught:
            self.reload(stubs, text)
        assert caught.value.code() is code, caught.value.details()
        assert words in caught.value.details()

    def test_status(self, server, stubs):
        assert statuses(stubs, "tags") == [(1, "AVAILABLE", 0)]
        assert statuses(stubs, "tags", 1) == [(1, "AVAILABLE", 0)]
        for name, version, words in [
            ("tags", 9, "Could not find version 9 of model tags"),
            ("cats", None, "Could not find any versions of model cats"),
        ]:
            with pytest.raises(grpc.RpcError) as caught:
                statuses(stubs, name, version)
            assert caught.value.code() is Code.NOT_FOUND
            assert caught.value.details() == words
        with pytest.raises(grpc.RpcError) as caught:
            stubs.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest())
        assert caught.value.details() == "Missing ModelSpec"

    def test_models_come_and_go(self, server, stubs, hashtag_models):
        self.reload(
            stubs,
            f"""model_config_list {{ config {{
            name: "more" base_path: "{hashtag_models}" model_platform: "tensorflow" }} }}""",
        )
        assert statuses(stubs, "more") == [(2, "AVAILABLE", 0)]  # the answer waited for it
        assert server.manager.wait_for_state("tags", 1, State.END, WAIT)

    def test_labels_move_only_to_available_versions(self, server, stubs, hashtag_models):
        model = f"""name: "tags" base_path: "{hashtag_models}" model_platform: "tensorflow" """
        both = "model_version_policy { specific { versions: 1 versions: 2 } }"
        label = 'version_labels {{ key: "stable" value: {} }}'
        text = "model_config_list {{ config {{ {} {} {} }} }}".format
        self.refused(
            stubs,
            Code.FAILED_PRECONDITION,
            "Request to assign label to version 2 of model tags, which is not currently available "
            "for inference",
            text(model, both, label.format(2)),
        )
        # Refused as a whole: version 2 was not loaded either.
        assert statuses(stubs, "tags") == [(1, "AVAILABLE", 0)]
        self.reload(stubs, text(model, both, label.format(1)))
        assert server.manager.wait_for_state("tags", 2, State.AVAILABLE, WAIT)
        with HashtagClient(server.endpoint, "tags", version_label="stable") as client:
            assert client.predict([photo()])[0].version == 1
            self.reload(stubs, text(model, both, label.format(2)))
            assert client.predict([photo()])[0].version == 2

    @pytest.mark.parametrize(
        ("code", "words", "text"),
        [
            (Code.INVALID_ARGUMENT, "Only ModelConfigList is currently supported", ""),
            (
                Code.INVALID_ARGUMENT,
                "Illegal to list model a multiple times in config list",
                """model_config_list {
                config { name: "a" base_path: "/a" model_platform: "tensorflow" }
                config { name: "a" base_path: "/b" model_platform: "tensorflow" } }""",
            ),
            (
                Code.INVALID_ARGUMENT,
                "Expected model a to have an absolute path or URI; got base_path()=models/a",
                'model_config_list { config { name: "a" base_path: "models/a" } }',
            ),
            (
                Code.INVALID_ARGUMENT,
                "Illegal setting neither ModelServerConfig::model_type",
                'model_config_list { config { name: "a" base_path: "/a" } }',
            ),
            (
                Code.INVALID_ARGUMENT,
                "Model a requests unsupported platform caffe",
                """model_config_list {
                config { name: "a" base_path: "/a" model_platform: "caffe" } }""",
            ),
        ],
    )
    def test_configs_that_are_refused_change_nothing(self, stubs, code, words, text):
        self.refused(stubs, code, words, text)
        assert statuses(stubs, "tags") == [(1, "AVAILABLE", 0)]


def write_warmup(folder, *records):
    path = folder / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)
    return path


class TestWarmup:
    """Warm-up requests are run as part of the load."""

    def request(self, signature):
        log = prediction_log_pb2.PredictionLog()
        predict = predict_pb2.PredictRequest(model_spec=spec())
        predict.model_spec.signature_name = signature
        log.predict_log.request.CopyFrom(predict)
        return log.SerializeToString()

    @pytest.fixture
    def folder(self, tf_serving_testdata, tmp_path):
        source = tf_serving_testdata / "saved_model_counter" / "00000123"
        return copy_version(source, tmp_path / "tags", 1)

    def load(self, folder, options=QUICK):
        models = ModelManager(options)
        try:
            models.reload(model_config.single_model("tags", str(folder.parent)))
            with models.serving(spec()) as servable:
                (output,) = servable.signatures["get_counter"].outputs.values()
                return float(servable.run({}, [output.name])[0].item())
        finally:
            models.close()

    def test_requests_are_replayed(self, folder):
        write_warmup(folder, *[self.request("incr_counter")] * 3)
        assert self.load(folder) == 3
        off = ManagerOptions(file_system_poll_wait_seconds=0, enable_model_warmup=False)
        assert self.load(folder, off) == 0

    @pytest.mark.parametrize(
        ("records", "words"),
        [
            (["guess"], "FAILED_PRECONDITION: Serving signature key"),
            (["get_counter"] * (MAX_RECORDS + 1), "Number of warmup records exceeds the maximum"),
        ],
    )
    def test_requests_that_fail_fail_the_load(self, folder, records, words):
        write_warmup(folder, *map(self.request, records))
        with pytest.raises(ServingError, match=words):
            self.load(folder)

    def test_a_file_that_is_none(self, folder):
        write_warmup(folder).write_bytes(b"not a TFRecord file at all")
        with pytest.raises(ServingError, match=r"DATA_LOSS: .*TFRecord format\."):
            self.load(folder)
        write_warmup_again = folder / "assets.extra" / "tf_serving_warmup_requests"
        with tf.io.TFRecordWriter(str(write_warmup_again)) as writer:
            writer.write(b"\xff\xff")
        with pytest.raises(ServingError, match="Failed to parse warmup record 1"):
            self.load(folder)


def test_a_second_server_on_the_port_fails(tags_server, hashtag_models):
    config = model_config.single_model("tags", str(hashtag_models))
    second = ModelServer(config, port=tags_server.port, options=QUICK)
    with pytest.raises(ServingError, match="is the port taken"):
        second.__enter__()


def test_a_model_saved_while_served(tmp_path):
    base = tmp_path / "tags"
    save_hashtag_model(base, 4)
    with ModelServer(model_config.single_model("tags", str(base)), options=QUICK) as server:
        assert statuses(Stubs(server.endpoint), "tags") == [(4, "AVAILABLE", 0)]
