"""Top k against a stable sort of all scores; scores are small integers, so that ties abound."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.retrieval import Tiling, top_k
from tagkeras.retrieval.top_k import TILE_SCORES

D = 3


def draw(num_posts, num_tags, seed=0):
    rng = np.random.default_rng(seed)
    phi = rng.integers(-2, 3, size=(num_posts, D)).astype(np.float32)
    return phi, rng.integers(-1, 2, size=(num_tags, D)).astype(np.float32)


def sort(scores, k):
    """Scores [B, Y] -> the k best and their ids, ties to the lower id."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


def check(phi, table, k, tiling=None):
    scores, ids = top_k(tf.constant(phi), tf.Variable(table), k, tiling)
    expected_scores, expected_ids = sort(phi @ table.T, k)
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_array_equal(scores, expected_scores)
    assert (scores.dtype, ids.dtype) == (tf.float32, tf.int64)


@st.composite
def tilings(draw):
    """(Y, k, tiling) with tiles and blocks of few tags, as `Tiling` demands."""
    k = draw(st.integers(1, 6))
    block = draw(st.none() | st.integers(1, 4))
    least = k * (block or 1)
    num_tags = least + draw(st.integers(0, 60))
    tags = least + draw(st.integers(0, 12))
    most_tags = tags if block is None else tags + draw(st.integers(0, 12))
    scores = draw(st.integers(1, 150))
    return num_tags, k, Tiling(scores, tags, most_tags, block)


@given(case=tilings(), num_posts=st.integers(0, 9), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_equals_a_stable_sort(case, num_posts, seed):
    num_tags, k, tiling = case
    check(*draw(num_posts, num_tags, seed), k, tiling)


@pytest.mark.parametrize("num_tags", [1, 2, 10, 639, 640, 641, 4096, 4097, 9000])
@pytest.mark.parametrize("k", [1, 10, 70, 4097, None])
def test_edge_sizes_in_the_chosen_tiling(num_tags, k):
    k = k or num_tags
    if k <= num_tags:
        check(*draw(5, num_tags), k)


@pytest.mark.parametrize("ascending", [True, False])
def test_blocks_that_all_are_better_than_those_before(ascending):
    """The last block best: each is put in place of another; the first best: none ever is."""
    table = np.arange(100, dtype=np.float32)[:: 1 if ascending else -1, None]
    check(np.array([[1], [-1], [0]], np.float32), table, 3, Tiling(60, 20, 20, 4))


@pytest.mark.parametrize("block", [None, 4])
def test_infinite_scores(block):
    """Those of -inf too rank by id, before what fills the last block."""
    tiling = Tiling(60, 20, 20, block)
    phi = np.ones([2, 1], np.float32)
    table = np.full([43, 1], -np.inf, np.float32)
    check(phi, table, 5, tiling)
    table[[41, 7, 30]] = [[np.inf], [np.inf], [2]]
    check(phi, table, 5, tiling)


@pytest.mark.parametrize("block", [None, 4])
def test_nan_of_a_post_leaves_the_others_alone(block):
    phi, table = draw(3, 43)
    expected = sort(phi @ table.T, 5)
    phi[1] = np.nan
    scores, ids = top_k(tf.constant(phi), tf.Variable(table), 5, Tiling(60, 20, 20, block))
    np.testing.assert_array_equal(scores.numpy()[[0, 2]], expected[0][[0, 2]])
    np.testing.assert_array_equal(ids.numpy()[[0, 2]], expected[1][[0, 2]])
    assert ((ids.numpy() >= 0) & (ids.numpy() < 43)).all()


def test_real_scores_of_many_tags():
    rng = np.random.default_rng(0)
    phi = rng.normal(size=(50, 16)).astype(np.float32)
    table = rng.normal(size=(40_000, 16)).astype(np.float32)
    all_scores = tf.matmul(phi, table, transpose_b=True).numpy()
    scores, ids = top_k(tf.constant(phi), tf.Variable(table), 10)
    np.testing.assert_allclose(scores, sort(all_scores, 10)[0], rtol=1e-6)
    # The product of a tile may round otherwise than that of all: ids where neighbours are apart.
    best, order = sort(all_scores, 11)
    apart = (np.diff(best, axis=1) < -1e-5).all(axis=1)
    assert apart.mean() > 0.9
    np.testing.assert_array_equal(ids.numpy()[apart], order[apart, :10])


@pytest.mark.parametrize("block", [None, 4])
def test_in_a_graph_for_any_number_of_posts(block):
    _, table = draw(0, 50)
    variable, tiling = tf.Variable(table), Tiling(60, 20, 24, block)

    @tf.function(input_signature=[tf.TensorSpec([None, D])])
    def rank(phi):
        return top_k(phi, variable, 4, tiling)

    for num_posts in (0, 1, 2, 11):
        phi, _ = draw(num_posts, 0)
        scores, ids = rank(phi)
        np.testing.assert_array_equal(scores, sort(phi @ table.T, 4)[0])
        np.testing.assert_array_equal(ids, sort(phi @ table.T, 4)[1])
    outputs = rank.get_concrete_function().outputs
    assert [output.shape.as_list() for output in outputs] == [[None, 4], [None, 4]]
    rank_two = tf.function(rank.python_function, input_signature=[tf.TensorSpec([2, D])])
    outputs = rank_two.get_concrete_function().outputs
    assert [output.shape.as_list() for output in outputs] == [[2, 4], [2, 4]]


def test_sees_rows_that_training_changes():
    phi, table = draw(2, 50)
    variable = tf.Variable(table)
    rank = tf.function(lambda phi: top_k(phi, variable, 4, Tiling(60, 20, 20, 4)))
    rank(phi)
    variable.scatter_nd_update([[33]], [[9.0, 9.0, 9.0]])
    table[33] = 9
    np.testing.assert_array_equal(rank(phi)[1], sort(phi @ table.T, 4)[1])


@pytest.mark.parametrize("block", [None, 4])
def test_scores_of_a_tile_at_most_are_made_at_once(block, monkeypatch):
    phi, table = draw(50, 500)
    multiply, made = tf.matmul, []

    def record(*args, **kwargs):
        scores = multiply(*args, **kwargs)
        made.append(scores.shape.num_elements())
        return scores

    monkeypatch.setattr(tf, "matmul", record)
    check(phi, table, 3, Tiling(400, 20, 40, block))
    assert max(made) == 400
    assert sum(made) == 50 * 500  # each score once


@given(k=st.integers(1, 10_000), more_tags=st.integers(0, 5_000_000))
def test_chosen_tilings_are_bounded_and_have_blocks_enough(k, more_tags):
    num_tags = k + more_tags
    tiling = Tiling.choose(k, num_tags)
    for num_posts in {1, tiling.group(num_tags)}:
        tile = int(tiling.tile(tf.constant(num_posts), num_tags))
        assert num_posts * tile <= TILE_SCORES
        assert tile >= k
        if tiling.block is not None:
            assert tile % tiling.block == 0
            assert tile // tiling.block >= k
            assert num_posts * k * tiling.block <= TILE_SCORES


def test_blocks_in_a_saved_model(tmp_path):
    phi, table = draw(3, 5000)
    module = tf.Module()
    module.table = tf.Variable(table)

    @tf.function(input_signature=[tf.TensorSpec([None, D], name="phi")])
    def rank(phi):
        scores, ids = top_k(phi, module.table, 10)
        return {"scores": scores, "ids": ids}

    tf.saved_model.save(module, tmp_path, signatures=rank)
    answer = tf.saved_model.load(tmp_path).signatures["serving_default"](phi=tf.constant(phi))
    np.testing.assert_array_equal(answer["ids"], sort(phi @ table.T, 10)[1])


@pytest.mark.parametrize("k", [0, 9])
def test_number_of_tags_out_of_range(k):
    with pytest.raises(ValueError, match=f"k must be from 1 to the table's 8 rows, received {k}"):
        top_k(tf.zeros([1, D]), tf.zeros([8, D]), k)
