"""The first example of the library, run as it stands."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_dataset import write_dataset

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.filterwarnings("ignore")
def test_example_of_the_library(tmp_path, monkeypatch):
    write_dataset(tmp_path / "dataset", posts=100)
    monkeypatch.chdir(tmp_path)
    code = next(
        block
        for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        if "tagkeras.models.HashtagModel(" in block
    )
    names = {}
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 15
    assert sum("import" in line for line in lines) == 2
    exec(code.replace("epochs=10", "epochs=2"), names)
    model, posts = names["model"], names["validation"]
    assert names["ids"].shape == (60, 10)

    loaded = keras.models.load_model("hashtags.keras")
    np.testing.assert_array_equal(loaded.predict(posts), model.predict(posts))
    results = [m.evaluate(posts, return_dict=True) for m in (model, loaded)]
    assert results[0] == results[1]
    assert set(results[0]) == {"P@1", "R@10"}
