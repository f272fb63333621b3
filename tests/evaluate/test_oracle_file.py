import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.data.vocabulary import Vocabulary
from tagkeras.evaluate.oracle import read_oracles

VOCABULARY = Vocabulary(("sun", "sea", "dog"), np.array([3, 2, 1]))
LISTS = {
    "post_id": ["a", "b"],
    "hashtags": [["dog", "sun", "sea"], ["cat", "sun", "cow", "dog"]],
    "image_hashtags": [["sea", "sea lion"], ["sun"]],
    "user_hashtags": [["cat", "cow"], ["dog", "cat"]],
}


def write(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def rank(oracle, *post_ids):
    return oracle({"post_id": tf.constant(post_ids)}).tolist()


def test_lists_become_ids_in_the_order_of_posts(tmp_path):
    oracles = read_oracles(write(tmp_path / "oracle", **LISTS), VOCABULARY, 2)
    # From the one that knows least to the one that knows all.
    assert list(oracles) == ["oracle_image_only", "oracle_user_only", "oracle"]
    image, user, both = oracles.values()
    assert rank(both, "b", "a", "b") == [[-1, 0], [2, 0], [-1, 0]]
    assert rank(image, "a", "b") == [[1, -1], [0, -1]]  # the second is shorter
    assert rank(user, "a", "b") == [[-1, -1], [2, -1]]


def test_a_post_that_is_not_in_it(tmp_path):
    path = write(tmp_path / "oracle", **LISTS)
    oracle = read_oracles(path, VOCABULARY, 1)["oracle"]
    with pytest.raises(UserError, match=f"--oracle={path} has no post z: give the file of these"):
        rank(oracle, "a", "z")


def test_shorter_lists_than_metrics_are_of(tmp_path):
    path = write(tmp_path / "oracle", **LISTS)
    with pytest.raises(
        UserError, match="lists 2 hashtags for a post, metrics are of 3: lower --ks"
    ):
        read_oracles(path, VOCABULARY, 3)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"hashtags": [["dog"]]}, "has no column post_id"),
        ({"post_id": ["a"]}, "has no column hashtags"),
        ({"post_id": ["a"], "hashtags": [[3]]}, "column hashtags .* lists of strings"),
        ({"post_id": [7], "hashtags": [["dog"]]}, "column post_id .* strings"),
        ({"post_id": ["a", "b"], "hashtags": [["dog"], None]}, "no hashtags for post b"),
        ({"post_id": ["a", "a"], "hashtags": [["dog"]] * 2}, "has post a twice"),
    ],
)
def test_other_columns(tmp_path, columns, message):
    path = write(tmp_path / "oracle", **columns)
    with pytest.raises(UserError, match=message) as error:
        read_oracles(path, VOCABULARY, 1)
    assert str(error.value).startswith(f"--oracle={path}")


def test_large_strings_as_other_programs_write_them(tmp_path):
    kinds = {"post_id": pa.large_string(), "hashtags": pa.large_list(pa.large_string())}
    columns = {name: pa.array(LISTS[name], kind) for name, kind in kinds.items()}
    # Other columns may be missing, and others be there.
    oracles = read_oracles(write(tmp_path / "oracle", **columns, notes=[1, 2]), VOCABULARY, 1)
    assert list(oracles) == ["oracle"]
    assert rank(oracles["oracle"], "a") == [[2]]


def test_no_file_and_no_parquet(tmp_path):
    with pytest.raises(UserError, match=r"--oracle=.*nowhere: no such file"):
        read_oracles(tmp_path / "nowhere", VOCABULARY, 1)
    path = tmp_path / "oracle.jsonl"
    path.write_text('{"post_id": "a"}\n')
    with pytest.raises(UserError, match=r"oracle.jsonl is no Parquet file that can be read"):
        read_oracles(path, VOCABULARY, 1)
