"""The layers: the inverted file against NumPy and the exact one, saved and loaded."""

from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tagkeras.retrieval import Cells, ExactTopK, IVFTopK, Queries, find_cells, layers


def cells_of(table, cell_of_row):
    cell_of_row = np.asarray(cell_of_row, np.int32)
    centroids = [table[cell_of_row == cell].mean(axis=0) for cell in range(cell_of_row.max() + 1)]
    return Cells(np.array(centroids, np.float32), cell_of_row)


def search(table, cells, probes, phi, k):
    """The oracle: the best rows of the best cells, ties to the lower id."""
    scores, ids = [], []
    for one in phi:
        looked_into = np.argsort(-(cells.centroids @ one), kind="stable")[:probes]
        rows = np.flatnonzero(np.isin(cells.cell_of_row, looked_into))
        products = table[rows] @ one
        best = np.lexsort([rows, -products])[:k]
        scores.append(products[best])
        ids.append(rows[best])
    return np.array(scores), np.array(ids)


TABLE = np.array([[1, 0], [0, 1], [0.9, 0], [0, 0.8], [-1, 0]], np.float32)


def test_by_hand():
    """Cells {0, 2}, {1, 3} and {4}, their centroids (0.95, 0), (0, 0.9) and (-1, 0)."""
    index = IVFTopK(TABLE, cells_of(TABLE, [0, 1, 0, 1, 2]), probes=2, k=2)
    assert not index.is_exact
    phi = tf.constant([[2.0, 1.0], [-1.0, 0.5], [0.0, 3.0]])
    scores, ids = index(phi)
    # The second post's cells are {4}, promise 1, and {1, 3}, promise 0.45.
    np.testing.assert_array_equal(ids, [[0, 2], [4, 1], [1, 3]])
    np.testing.assert_allclose(scores, [[2.0, 1.8], [1.0, 0.5], [3.0, 2.4]])
    assert ids.dtype == tf.int64
    np.testing.assert_array_equal(index.rows(tf.constant([4, 1], tf.int64)), TABLE[[4, 1]])


@given(st.data())
@settings(max_examples=25)
def test_against_numpy(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    num_cells = data.draw(st.integers(1, 6))
    num_rows = data.draw(st.integers(num_cells, 40))
    # Small whole numbers: many ties, and products without an error.
    table = rng.integers(-2, 3, size=(num_rows, 3)).astype(np.float32)
    cell_of_row = rng.permutation(np.arange(num_rows) % num_cells)
    cells = Cells(rng.normal(size=(num_cells, 3)).astype(np.float32), cell_of_row.astype(np.int32))
    probes = data.draw(st.integers(1, num_cells))
    fewest = np.sort(np.bincount(cell_of_row))[:probes].sum()
    k = data.draw(st.integers(1, fewest))
    phi = rng.integers(-2, 3, size=(data.draw(st.integers(0, 3)), 3)).astype(np.float32)
    # Cells of equal promise could come in another order than NumPy's.
    phi += rng.normal(scale=1e-3, size=(len(phi), 1)).astype(np.float32)
    index = IVFTopK(table, cells, probes, k)
    numbers_in_a_tile = data.draw(st.sampled_from([1, 6, 12, 1000]))
    with mock.patch.object(layers, "TILE_NUMBERS", numbers_in_a_tile):
        scores, ids = index(tf.constant(phi))
    assert scores.shape == ids.shape == (len(phi), k)
    if len(phi):
        expected_scores, expected_ids = search(table, cells, probes, phi, k)
        np.testing.assert_allclose(scores, expected_scores, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            scores, np.einsum("bkd,bd->bk", table[ids], phi), rtol=1e-5, atol=1e-6
        )
        # Which of those that equal the last one are answered is open; the others are known.
        is_last = np.isclose(expected_scores, expected_scores[:, -1:], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(ids.numpy()[~is_last], expected_ids[~is_last])
        for one in ids.numpy():
            assert len(set(one)) == k


def test_searching_all_cells_is_exact():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(500, 8)).astype(np.float32)
    phi = rng.normal(size=(20, 8)).astype(np.float32)
    cells = find_cells(table, 20, Queries(phi, 0.0))
    exact_scores, exact_ids = ExactTopK(table, 10)(phi)
    index = IVFTopK(table, cells, len(cells), 10)
    assert index.is_exact
    scores, ids = index(phi)
    np.testing.assert_array_equal(ids, exact_ids)
    np.testing.assert_allclose(scores, exact_scores, rtol=1e-6)


def test_refuses_what_cannot_be_answered():
    cells = cells_of(TABLE, [0, 1, 0, 1, 2])
    for probes in (0, 4):
        with pytest.raises(ValueError, match=f"probes must be from 1 to 3, received {probes}"):
            IVFTopK(TABLE, cells, probes, k=1)
    # The smallest two cells have three rows.
    with pytest.raises(ValueError, match="2 cells may have fewer than 4 rows"):
        IVFTopK(TABLE, cells, probes=2, k=4)


@pytest.mark.parametrize("kind", ["exact", "ivf"])
def test_behind_an_embedding_saved_and_loaded(kind, tmp_path):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(60, 4)).astype(np.float32)
    cells = cells_of(table, rng.permutation(np.arange(60) % 7))
    layer = ExactTopK(table, k=5) if kind == "exact" else IVFTopK(table, cells, probes=3, k=5)
    image = keras.Input([6])
    model = keras.Model(image, layer(keras.layers.Dense(4)(image)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    images = rng.normal(size=(9, 6)).astype(np.float32)
    for value, expected in zip(again.predict(images, verbose=0), model(images), strict=True):
        np.testing.assert_array_equal(value, expected)
    loaded = again.layers[-1]
    assert type(loaded) is type(layer)
    assert loaded.get_config() == layer.get_config()
    np.testing.assert_array_equal(loaded.rows([7, 0]), table[[7, 0]])


def test_exact_layer_follows_the_variable_that_it_is_given():
    table = keras.Variable(np.eye(3, dtype=np.float32))
    layer = ExactTopK(table, k=1)
    assert layer.is_exact
    table.assign([[0, 0, 0], [0, 0, 0], [1, 1, 1]])
    scores, ids = layer(tf.constant([[2.0, 0, 0]]))
    assert (float(scores[0, 0]), int(ids[0, 0])) == (2, 2)
    with pytest.raises(ValueError, match="k must be from 1 to the table's 3 rows, received 4"):
        ExactTopK(table, k=4)
