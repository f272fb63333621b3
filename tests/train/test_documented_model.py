"""The first example of the library, run as it stands."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_dataset import write_dataset

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "training.md")


def find_example():
    """Of the README if it has one, or else of docs/training.md."""
    for document in DOCUMENTS:
        for code in re.findall(r"```python\n(.*?)```", document.read_text(), re.DOTALL):
            if "tagkeras.models.HashtagModel(" in code:
                return code
    raise AssertionError("no example of a HashtagModel")


@pytest.mark.filterwarnings("ignore")
def test_example_of_the_library(tmp_path, monkeypatch):
    write_dataset(tmp_path / "dataset", posts=100)
    monkeypatch.chdir(tmp_path)
    code, names = find_example(), {}
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 15
    assert sum("import" in line for line in lines) == 2
    exec(code.replace("epochs=10", "epochs=2"), names)
    model, test = names["model"], names["test"]
    assert names["ids"].shape == (60, 10)

    loaded = keras.models.load_model("hashtags.keras")
    np.testing.assert_array_equal(loaded.predict(test), model.predict(test))
    results = [m.evaluate(test, return_dict=True) for m in (model, loaded)]
    assert results[0] == results[1]
    assert set(results[0]) == {"P@1", "R@10"}
