"""k-means cells of rows."""

import sys

import numpy as np
import pytest
import tensorflow as tf

from tagkeras.cli.errors import UserError
from tagkeras.retrieval import Queries, default_num_cells, find_cells
from tagkeras.retrieval import cells as cells_module

# Posts in all directions, whose answers may be any rows.
ANY = Queries(np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32), 0.0)


def ask_for(table):
    rng = np.random.default_rng(3)
    return Queries(rng.normal(size=(100, table.shape[1])).astype(np.float32), 0.5)


def test_two_clusters():
    table = np.array([[0, 0], [0, 1], [10, 10], [10, 11], [10, 12]], np.float32)
    cells = find_cells(table, 2, ANY)
    far = cells.cell_of_row[2]
    np.testing.assert_array_equal(cells.cell_of_row == far, [False, False, True, True, True])
    np.testing.assert_allclose(cells.centroids[far], [10, 11])
    np.testing.assert_allclose(cells.centroids[1 - far], [0, 0.5])


def test_is_a_partition_whose_centroids_are_means(monkeypatch):
    """Also where k-means looks at some of the rows only."""
    monkeypatch.setattr(cells_module, "ROWS_PER_CELL", 5)
    table = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    cells = find_cells(table, 30, ask_for(table))
    assert cells.cell_of_row.shape == (400,)
    assert set(cells.cell_of_row) == set(range(len(cells)))
    for cell, centroid in enumerate(cells.centroids):
        np.testing.assert_allclose(
            centroid, table[cells.cell_of_row == cell].mean(axis=0), rtol=1e-4, atol=1e-6
        )
    again = find_cells(table, 30, ask_for(table))
    np.testing.assert_array_equal(again.cell_of_row, cells.cell_of_row)
    assert not np.array_equal(
        find_cells(table, 30, ask_for(table), seed=1).cell_of_row, cells.cell_of_row
    )


@pytest.mark.filterwarnings("error")
def test_rows_that_are_equal_share_a_cell():
    table = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    cells = find_cells(table, 10, ask_for(table))
    assert 1 <= len(cells) <= 3
    for rows in cells.cell_of_row.reshape(3, 5):
        assert len(set(rows)) == 1


def test_what_no_post_sees_divides_no_rows():
    """Posts along x: rows that differ in y alone have the same products with them."""
    rng = np.random.default_rng(0)
    x = np.repeat([0.0, 1.0], 100)
    table = np.stack([x, 50 * rng.normal(size=200)], axis=1).astype(np.float32)
    queries = Queries(np.array([[1, 0], [-1, 0]], np.float32), 0.0)
    cells = find_cells(table, 2, queries)
    np.testing.assert_array_equal(cells.cell_of_row == cells.cell_of_row[0], x == 0)


def test_cells_are_where_answers_come_from():
    """A hundred long rows among ten thousand short ones, which reach no answer's score."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(10_000, 4)).astype(np.float32)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    table[:100] *= 5
    phi = rng.normal(size=(500, 4)).astype(np.float32)
    cells = find_cells(table, 100, Queries(phi, 5.0))
    assert len(set(cells.cell_of_row[:100])) > 40


def test_how_often_rows_are_looked_at_by_hand():
    """One post in two is (1, 0), the other (-1, 0): products of mean 0 and deviation |x|."""
    queries = Queries(np.array([[1, 0], [-1, 0]], np.float32), 1.0)
    table = np.array([[1, 7], [0.5, 0], [0, 1]], np.float32)
    # P(N(0, 1) > 1), P(N(0, 1) > 2), and nothing for the row that no post sees.
    likely = np.array([0.158655, 0.022750, 0.0])
    expected = 0.9 * likely / likely.sum() + 0.1 / 3
    np.testing.assert_allclose(cells_module._draw_weights(table, queries), expected, rtol=1e-4)
    # Nothing reaches such a score: all are looked at alike.
    nothing = Queries(queries.phi, 1e6)
    np.testing.assert_allclose(cells_module._draw_weights(table, nothing), 1 / 3)


def test_threshold_is_the_mean_score_of_the_last_answers():
    table = tf.Variable([[1.0, 0], [0, 1], [0.5, 0]])
    assert Queries.rank(np.array([[2, 0], [0, 4]], np.float32), table, 2).threshold == 0.5


def test_default_number():
    numbers = {1: 1, 2: 1, 10: 5, 100: 40, 10_000: 400, 4_600_000: 8579}
    assert {rows: default_num_cells(rows) for rows in numbers} == numbers


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(UserError, match=r"pip install 'tagkeras\[index\]'"):
        find_cells(np.eye(2, dtype=np.float32), 2, ANY)
