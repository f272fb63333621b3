"""Folders of tagkeras.evaluate as they are read again, whole and damaged."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from handmade_evaluations import make_posts, write_evaluation

from tagkeras.cli.errors import UserError
from tagkeras.evaluate.evaluation import EvaluatedPosts, Evaluation

HITS = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1]], bool)
NAN = np.nan


@pytest.fixture
def posts():
    return make_posts(
        HITS,
        num_truth=np.array([2, 1, 4]),
        users=[7, 2, 2],
        age=np.array([31.5, NAN, 0], np.float32),
        gender=["female", "", "other"],
        country=["", "GB", "NZ"],
        latitude=[51.5, NAN, 0],
        longitude=[-0.1, NAN, 0],
        camera=["slr", "", "phone"],
        followers=[5, NAN, 0],
        hits={"model": HITS, "frequency_baseline": ~HITS},
    )


def test_posts_there_and_back(posts, tmp_path):
    posts.save(tmp_path / "posts.parquet")
    same = EvaluatedPosts.load(tmp_path / "posts.parquet")
    assert (same.post_ids, same.user_ids) == (posts.post_ids, posts.user_ids)
    np.testing.assert_array_equal(same.num_truth, posts.num_truth)
    assert list(same.facts) == list(posts.facts)
    for name, values in posts.facts.items():
        np.testing.assert_array_equal(same.facts[name], values)
        assert same.facts[name].dtype == values.dtype
    assert list(same.hits) == ["model", "frequency_baseline"]
    for name, hits in posts.hits.items():
        np.testing.assert_array_equal(same.hits[name], hits)
        assert same.hits[name].dtype == bool
    assert len(same) == 3
    # Numbered in the order of their ids.
    assert same.users.tolist() == [1, 0, 0]
    # To other programs, unknown is null or empty.
    row = pq.read_table(tmp_path / "posts.parquet").to_pylist()[1]
    facts = {"gender": "", "country": "GB", "age": None, "latitude": None, "longitude": None}
    assert {name: row[name] for name in facts} == facts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "was not written by tagkeras.evaluate: metrics.json: No such file"),
        ("{", r"metrics.json is damaged \(.*\): run python -m tagkeras.evaluate again"),
        ({"ks": ...}, "metrics.json has no 'ks': run python -m tagkeras.evaluate again"),
        ({"dataset": {}}, "has no fingerprint of its dataset: run python"),
    ],
)
def test_damaged_metrics(posts, tmp_path, content, message):
    """None: no file; a dict: changes of a whole one, `...` for what is left out."""
    path = tmp_path / "eval" / "metrics.json"
    metrics = write_evaluation(path.parent, posts).metrics
    if isinstance(content, dict):
        changed = {**metrics, **content}
        content = json.dumps({name: v for name, v in changed.items() if v is not ...})
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(UserError, match=message):
        Evaluation.load(path.parent)


def test_posts_of_another_run(posts, tmp_path):
    with pytest.raises(UserError, match=r"posts.parquet has 3 posts, metrics.json counts 4: run"):
        _ = write_evaluation(tmp_path / "eval", posts, num_posts=4).posts


@pytest.mark.parametrize("name", ["posts", "tags", "predictions"])
@pytest.mark.parametrize("content", [None, b"PAR1 and no more"])
def test_tables_that_are_none(posts, tmp_path, name, content):
    loaded = write_evaluation(tmp_path / "eval", posts)
    path = tmp_path / "eval" / f"{name}.parquet"
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{name}.parquet cannot be read \(.*\): run python -m"):
        getattr(loaded, name)


def test_posts_without_a_column(posts, tmp_path):
    loaded = write_evaluation(tmp_path / "eval", posts)
    path = tmp_path / "eval" / "posts.parquet"
    whole = pq.read_table(path)
    for name in ("user_id", "model"):
        pq.write_table(whole.drop_columns([name]), path)
        with pytest.raises(UserError, match=f"posts.parquet has no column {name}: run python"):
            _ = loaded.posts
