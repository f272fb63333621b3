"""The example of docs/training.md, run as it stands."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_dataset import write_dataset

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_parts_work_alone(tmp_path, monkeypatch):
    write_dataset(tmp_path / "dataset", posts=100)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names = {}
    exec(code.replace("epochs=10", "epochs=2"), names)

    loaded = keras.models.load_model("hashtags.keras")
    assert not loaded.compiled
    for ours, theirs in zip(loaded.weights, names["model"].weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    (batch,) = names["posts"].batches(first_epoch=0, epochs=1).take(1)
    with pytest.raises(ValueError, match="compile"):
        loaded.fit(names["posts"].batches(first_epoch=0, epochs=1), verbose=0)
    assert loaded.predict({n: batch[n] for n in ("descriptor", "user_descriptor")}).shape[1] == 64
