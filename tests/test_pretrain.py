import json

import keras
import numpy as np
import pytest

from tagkeras import commandline, pretrain
from tagkeras.descriptor_cnn import load_cnn
from tagkeras.errors import UserError
from tagkeras.synthetic import __main__ as synthetic


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = tmp_path_factory.mktemp("pretrain") / "world"
    flags = [f"--output={world}", "--posts=150", "--images_only", "--workers=1"]
    synthetic.main(commandline.parse(synthetic.Config, flags))
    return world


def make_config(world, output, **options):
    options = {"image_size": 16, "epochs": 1, "descriptor_size": 7, **options}
    flags = [f"--{name}={value}" for name, value in options.items()]
    return commandline.parse(pretrain.Config, [f"--data={world}", f"--output={output}", *flags])


def test_saved_cnn_describes_images(world, tmp_path):
    output = tmp_path / "cnn.keras"
    metrics = pretrain.pretrain(make_config(world, output))
    assert 0 <= metrics["mAP"] <= 1
    described = json.loads((tmp_path / "cnn.json").read_text())
    cnn = keras.saving.load_model(output)
    assert cnn.output_shape == (None, len(described["concepts"]))
    assert load_cnn(str(output)).descriptor_size == 7
    assert load_cnn(str(output), layer="concepts").descriptor_size == len(described["concepts"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cnn.json", "cnn.keras"]


def test_it_learns(world, tmp_path):
    options = {"epochs": 12, "image_size": 32, "batch_size": 16}
    untrained = pretrain.pretrain(make_config(world, tmp_path / "a.keras", learning_rate=1e-9))
    trained = pretrain.pretrain(make_config(world, tmp_path / "b.keras", **options))
    assert trained["mAP"] > 2 * untrained["mAP"]


def test_measure_by_hand():
    labels = np.array([[1, 0], [0, 1], [1, 1]], float)
    metrics = pretrain.measure(np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.4]]), labels)
    assert metrics["exact"] == pytest.approx(2 / 3)
    assert metrics["mAP"] == pytest.approx(1, abs=0.01)


def test_missing_labels(tmp_path):
    with pytest.raises(UserError, match=r"concepts.jsonl: no such file"):
        pretrain.pretrain(make_config(tmp_path, tmp_path / "cnn.keras"))


def test_line_that_is_no_label(tmp_path):
    (tmp_path / "concepts.jsonl").write_text('{"image": "a.jpg"}\n')
    with pytest.raises(UserError, match=r"concepts.jsonl, line 1: expected"):
        pretrain.pretrain(make_config(tmp_path, tmp_path / "cnn.keras"))


@pytest.mark.parametrize("content", [None, b"no jpeg"])
def test_unreadable_image(tmp_path, content):
    if content:
        (tmp_path / "a.jpg").write_bytes(content)
    line = json.dumps({"image": "a.jpg", "concepts": ["ball"]}) + "\n"
    (tmp_path / "concepts.jsonl").write_text(2 * line)
    with pytest.raises(UserError, match="an image cannot be read"):
        pretrain.pretrain(make_config(tmp_path, tmp_path / "cnn.keras"))
    assert not (tmp_path / "cnn.keras").exists()


def test_output_of_another_name(world, tmp_path):
    with pytest.raises(UserError, match=r"cnn.h5: the name has to end in .keras"):
        pretrain.pretrain(make_config(world, tmp_path / "cnn.h5"))
