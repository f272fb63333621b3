"""Loading, swapping and unloading of versions."""

import contextlib
import shutil
import threading
import weakref

import grpc
import pytest
import tensorflow as tf
from serving_helpers import QUICK, WAIT, photo
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving import HashtagClient
from serving.server.errors import ServingError
from serving.server.flags import ManagerOptions
from serving.server.model_server import ModelServer
from serving.server.models import model_config
from serving.server.models.model_manager import ModelManager
from serving.server.models.versions import State, VersionSource

ONCE = ManagerOptions(file_system_poll_wait_seconds=0, max_num_load_retries=0)


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


@contextlib.contextmanager
def manager(options=QUICK):
    made = ModelManager(options)
    try:
        yield made
    finally:
        made.close()


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


def test_without_the_newest_version_the_one_before_serves_again(hashtag_models, tmp_path):
    base = tmp_path / "tags"
    copy_version(hashtag_models / "1", base, 1)
    with ModelServer(model_config.single_model("tags", str(base)), options=QUICK) as server:
        copy_version(hashtag_models / "2", base, 3)
        assert server.manager.wait_for_state("tags", 3, State.AVAILABLE, WAIT)
        assert server.manager.wait_for_state("tags", 1, State.END, WAIT)
        shutil.rmtree(base / "3")
        assert server.manager.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        assert server.manager.wait_for_state("tags", 3, State.END, WAIT)  # which goes after that
        with HashtagClient(server.endpoint, "tags") as client:
            assert client.predict([photo()])[0].version == 1


def test_a_version_that_is_complete_later(hashtag_models, tmp_path):
    version = tmp_path / "tags" / "1"
    options = ManagerOptions(
        file_system_poll_wait_seconds=0.05,
        max_num_load_retries=1_000_000,
        load_retry_interval_micros=50_000,
    )
    with manager(options) as models:
        config = model_config.single_model("tags", str(version.parent))
        starter = threading.Thread(target=models.reload, args=[config])
        starter.start()
        version.mkdir(parents=True)
        assert models.wait_for_state("tags", 1, State.LOADING, WAIT)
        shutil.copytree(hashtag_models / "1", version, dirs_exist_ok=True)
        assert models.wait_for_state("tags", 1, State.AVAILABLE, WAIT)
        starter.join()


def test_the_start_fails_if_a_model_does_not_load(tf_serving_testdata):
    base = tf_serving_testdata / "bad_half_plus_two"
    server = ModelServer(model_config.single_model("bad", str(base)), options=QUICK)
    with pytest.raises(ServingError, match="1 model.* did not become available") as caught:
        server.__enter__()
    assert caught.value.code is grpc.StatusCode.UNKNOWN
    assert "{name: bad version: 123} due to error: NOT_FOUND" in caught.value.message


def test_whatever_a_file_system_does_the_next_poll_comes(hashtag_models, monkeypatch):
    poll, failures = VersionSource.poll, iter([RuntimeError("broken"), ValueError("again")])

    def fail_twice(self, model):
        for failure in failures:
            raise failure
        return poll(self, model)

    monkeypatch.setattr(VersionSource, "poll", fail_twice)
    with manager(ManagerOptions(file_system_poll_wait_seconds=0.05)) as models:
        models.reload(model_config.single_model("tags", str(hashtag_models)))
        with models.serving(spec()) as servable:
            assert servable is not None


def test_folders_without_versions_when_polled_once(tmp_path):
    for base, words in [
        (tmp_path, "Unable to find a numerical version path"),
        (tmp_path / "absent", "Could not find base path .*absent for servable tags"),
    ]:
        with manager(ONCE) as models, pytest.raises(ServingError, match=words):
            models.reload(model_config.single_model("tags", str(base)))


def test_nothing_of_an_unloaded_version_stays(hashtag_models):
    with manager() as models:
        models.reload(model_config.single_model("tags", str(hashtag_models)))
        with models.serving(spec()) as servable:
            graph = weakref.ref(servable._session.graph)
            assert graph() is not None
        del servable
        nothing = model_server_config_pb2.ModelServerConfig()
        nothing.model_config_list.SetInParent()
        models.reload(nothing)
        assert models.wait_for_state("tags", 2, State.END, WAIT)
        assert graph() is None
