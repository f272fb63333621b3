import types

import numpy as np
import pytest
from small_world import HELD_OUT, draw_posts, run_training, write_dataset, write_lines
from training_runs import ADAGRAD


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Datasets `part` and `whole`, without and with a hashtag, a run on each, and 20 examples."""
    folder, rng = tmp_path_factory.mktemp("growing"), np.random.default_rng(0)
    sizes = {"train": 1500, "validation": 100, "test": 600}
    splits = {split: draw_posts(rng, size, split) for split, size in sizes.items()}
    part = write_dataset(folder / "part", splits, held_out=(HELD_OUT,))
    whole = write_dataset(folder / "whole", splits)
    examples = [p for p in draw_posts(rng, 2000, "new") if HELD_OUT in p["hashtags"]][:20]
    return types.SimpleNamespace(
        folder=folder,
        part=part,
        whole=whole,
        splits=splits,
        examples=examples,
        posts=write_lines(folder / "examples.jsonl", examples),
        run=run_training(part, folder / "run", **ADAGRAD, epochs=4),
        whole_run=run_training(whole, folder / "whole_run", **ADAGRAD, epochs=4),
    )
