"""SavedModels that cannot be loaded, and what is said of them."""

import shutil
import threading

import grpc
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

from serving.server.errors import ServingError
from serving.server.models import managed_version
from serving.server.models.managed_version import ManagedVersion, ManagerOptions, load
from serving.server.models.servable import Servable

Code = grpc.StatusCode
NO_TAG = (
    "Could not find meta graph def matching supplied tags: { serve }. To inspect available "
    "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`"
)


def saved_model(nodes="", tags=("serve",)):
    """The bytes of a SavedModel with a bare graph."""
    tag_lines = " ".join(f'tags: "{tag}"' for tag in tags)
    text = f"meta_graphs {{ meta_info_def {{ {tag_lines} }} graph_def {{ {nodes} }} }}"
    return text_format.Parse(text, saved_model_pb2.SavedModel()).SerializeToString()


def failure(path):
    with pytest.raises(ServingError) as caught:
        Servable("tags", 1, str(path))
    return caught.value


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", Code.NOT_FOUND, NO_TAG),
        (saved_model(tags=["train"]), Code.NOT_FOUND, NO_TAG),
        (saved_model(tags=["serve", "gpu"]), Code.NOT_FOUND, NO_TAG),
        (b"\xff\xff", Code.DATA_LOSS, "Can't parse PATH/saved_model.pb as binary proto"),
        (saved_model()[:-1], Code.DATA_LOSS, "Can't parse PATH/saved_model.pb as binary proto"),
        (
            saved_model('node { name: "x" op: "Nonsense" }'),
            Code.NOT_FOUND,
            "Op type not registered 'Nonsense'",
        ),
        (
            saved_model('node { name: "x" op: "Identity" input: "y" }'),
            Code.INVALID_ARGUMENT,
            "Node 'x': Unknown input node 'y'",
        ),
    ],
)
def test_a_file_that_is_no_model_for_serving(tmp_path, content, code, message):
    (tmp_path / "saved_model.pb").write_bytes(content)
    error = failure(tmp_path)
    assert error.code is code, error
    assert error.message.startswith(message.replace("PATH", str(tmp_path)))


@pytest.mark.parametrize("content", [b"meta_graphs {", b"\xff"])
def test_a_text_file_that_is_no_model(tmp_path, content):
    (tmp_path / "saved_model.pbtxt").write_bytes(content)
    error = failure(tmp_path)
    assert error.code is Code.DATA_LOSS
    assert error.message == f"Can't parse {tmp_path}/saved_model.pbtxt as text proto"


def test_an_empty_folder(tmp_path):
    error = failure(tmp_path)
    assert error.code is Code.NOT_FOUND
    assert error.message.startswith("Could not find SavedModel .pb or .pbtxt at supplied export")


@pytest.mark.parametrize(
    ("name", "code"),
    [("variables.index", Code.NOT_FOUND), ("variables.data-00000-of-00001", Code.NOT_FOUND)],
)
def test_missing_variables(hashtag_models, tmp_path, name, code):
    path = shutil.copytree(hashtag_models / "1", tmp_path / "1")
    (path / "variables" / name).unlink()
    assert failure(path).code is code


def test_the_threads_of_the_session(monkeypatch):
    made = []

    def servable(*_, **settings):
        made.append((settings["intra_op_threads"], settings["inter_op_threads"]))

    monkeypatch.setattr(managed_version, "Servable", servable)
    for flags in [
        {},
        {"tensorflow_session_parallelism": 3},
        {"tensorflow_session_parallelism": 3, "tensorflow_intra_op_parallelism": 1},
        {"tensorflow_inter_op_parallelism": 2},
    ]:
        options = ManagerOptions(enable_model_warmup=False, **flags)
        load(ManagedVersion("tags", 1, "/tags/1"), options, threading.Semaphore())
    assert made == [(0, 0), (3, 3), (1, 3), (0, 2)]
