"""SavedModels that cannot be loaded, and what is said of them."""

import shutil

import grpc
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf import saved_model_pb2

from serving.server.errors import ServingError
from serving.server.inference.servable import Servable

Code = grpc.StatusCode


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
    ("content", "code", "words"),
    [
        (b"", Code.NOT_FOUND, "matching supplied tags: { serve }"),
        (saved_model(tags=["serve", "gpu"]), Code.NOT_FOUND, "matching supplied tags"),
        (b"\xff\xff", Code.DATA_LOSS, "Can't parse the SavedModel in"),
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
def test_a_file_that_is_no_model_for_serving(tmp_path, content, code, words):
    (tmp_path / "saved_model.pb").write_bytes(content)
    error = failure(tmp_path)
    assert error.code is code, error
    assert words in error.message


def test_an_empty_folder(tmp_path):
    error = failure(tmp_path)
    assert error.code is Code.NOT_FOUND
    assert "Could not find SavedModel" in error.message


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
def test_missing_variables(hashtag_models, tmp_path, name):
    path = shutil.copytree(hashtag_models / "1", tmp_path / "1")
    (path / "variables" / name).unlink()
    assert f"{path}/variables/variables" in failure(path).message
