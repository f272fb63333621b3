"""`python -m serving.inspect`, and what it reads."""

import json
import shutil

import pytest
from serving_helpers import run_command, save_hashtag_model

from serving.inspect.saved_model_summary import describe, summarize
from tagkeras.cli.errors import UserError


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = save_hashtag_model(tmp_path_factory.mktemp("inspect"), 3)
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / "tagkeras.json").write_text(
        json.dumps({"export": {"top_k": 3, "block_list": None}, "dataset": {"num_tags": 5}})
    )
    return path


def test_signatures_sizes_and_provenance(model):
    summary = summarize(model)
    signature = summary.signatures["serving_default"]
    inputs = {each.name: (each.dtype, each.shape) for each in signature.inputs}
    assert (inputs["age"], inputs["image"]) == (("float", (None,)), ("string", (None,)))
    outputs = [(each.name, each.dtype) for each in signature.outputs]
    assert outputs == [("hashtags", "string"), ("scores", "float")]
    assert signature.method_name == "tensorflow/serving/predict"
    assert sorted(summary.variables.values()) == [(), (5,), (5,)]
    assert summary.num_parameters == 11
    assert list(summary.assets) == [".vocabulary.txt"]
    assert summary.num_warmup_requests == 0
    assert summary.other_ops == ()
    assert summary.graph_batching == ()
    assert summary.provenance["dataset"] == {"num_tags": 5}
    lines = list(describe(summary))
    assert "    takes country    string [None]" in lines
    assert lines[-2:] == ["  export: top_k 3", "  dataset: num_tags 5"]


def test_a_model_of_tensorflow_1(tf_serving_testdata):
    summary = summarize(tf_serving_testdata / "saved_model_half_plus_two_cpu" / "00000123")
    assert summary.provenance is None
    assert summary.signatures["regress_x_to_y"].method_name == "tensorflow/serving/regress"
    assert summary.variables["a"] == ()
    assert list(describe(summary))[-1].startswith("no provenance")


def test_folders_that_are_no_models(model, tmp_path):
    with pytest.raises(UserError, match="no SavedModel; it has versions 3: name one"):
        summarize(model.parent)
    with pytest.raises(UserError, match="no SavedModel; name the folder of a version"):
        summarize(tmp_path)
    damaged = tmp_path / "1"
    shutil.copytree(model, damaged)
    (damaged / "saved_model.pb").write_bytes(b"\xff" * 100)
    with pytest.raises(UserError, match=r"saved_model.pb is damaged"):
        summarize(damaged)


@pytest.mark.slow
def test_the_command(model):
    done = run_command("serving.inspect", model)
    assert "  serving_default (tensorflow/serving/predict)" in done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    done = run_command("serving.inspect", model, "--json")
    assert json.loads(done.stdout)["num_parameters"] == 11
    done = run_command("serving.inspect", "nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("python -m serving.inspect: nowhere: no SavedModel")
